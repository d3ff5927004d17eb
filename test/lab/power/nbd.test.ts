import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { end, spawnBound } from '../../../lab/machine/programs.ts';
import { type Disk, openDisk } from '../../../lab/power/disk.ts';
import { serveDisk } from '../../../lab/power/nbd.ts';
import { seeded } from '../../../lab/power/random.ts';

const SIZE = 1024 * 1024;
let folder: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-nbd-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await rm(folder, { recursive: true });
});

/** A disk, and QEMU on it: without a machine, told what to do with the disk by its own monitor. */
async function served(): Promise<{ readonly disk: Disk; readonly qemu: (words: string) => Promise<string> }> {
  await writeFile(join(folder, 'base'), Buffer.alloc(SIZE, 0x11));
  const base = await open(join(folder, 'base'));
  const disk = openDisk(base, SIZE);
  const server = await serveDisk(disk, join(folder, 'socket'));
  const child = spawnBound(
    [
      ...['qemu-system-x86_64', '-machine', 'none', '-nodefaults', '-display', 'none', '-qmp', 'stdio'],
      ...['-blockdev', `driver=nbd,node-name=disk0,server.type=unix,server.path=${join(folder, 'socket')}`],
    ],
    {},
    'pipe',
  );
  closing.push(
    () => base.close(),
    () => server.close(),
    () => end(child),
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // What a command of the monitor has to say stands before its reply.
  const reply = async (): Promise<string> => {
    let text = '';
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`QEMU is gone: ${text}`);
      text += `${value}\n`;
      if (/^\{"(return|QMP)"/.test(value)) return text;
    }
  };
  await reply();
  const command = async (words: unknown): Promise<string> => {
    const answer = reply();
    child.stdin?.write(`${JSON.stringify(words)}\n`);
    return answer;
  };
  await command({ execute: 'qmp_capabilities' });
  const qemu = (words: string): Promise<string> =>
    command({
      execute: 'human-monitor-command',
      arguments: { 'command-line': `qemu-io disk0 "${words}"` },
    });
  return { disk, qemu };
}

describe('the disk’s server', () => {
  it('gives QEMU what the base has, takes its writes, and hears of its flushes', async () => {
    const { disk, qemu } = await served();
    expect(await qemu('read -P 0x11 0 64k')).toContain('65536/65536');
    expect(await qemu('write -P 0x22 4k 8k')).toContain('8192/8192');
    expect(disk.counts()).toMatchObject({ writes: 1, unsafe: 1 });
    await qemu('flush');
    expect(disk.counts()).toMatchObject({ unsafe: 0 });
    expect(await qemu('read -P 0x22 4k 8k')).toContain('8192/8192');
    expect(await qemu('read -P 0x22 0 4k')).toContain('Pattern verification failed');
  });

  it('keeps a write past the cache without a flush', async () => {
    const { disk, qemu } = await served();
    await qemu('write -f -P 0x33 0 4k');
    await qemu('write -P 0x44 8k 4k');
    const { writes, lost } = disk.survivors('flushed', seeded(1));
    expect(writes.map(({ offset, data }) => [offset, data.length, data[0]])).toEqual([[0, 4096, 0x33]]);
    expect(lost).toBe(1);
  });

  it('answers nothing while it is held, and nothing more after a cut', async () => {
    const { disk, qemu } = await served();
    const held = Promise.withResolvers<void>();
    disk.hold(held.promise);
    let answered = false;
    const write = qemu('write -P 0x55 0 4k').then((words) => {
      answered = true;
      return words;
    });
    while (disk.counts().writes === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe(false);
    held.resolve();
    expect(await write).toContain('4096/4096');

    disk.cut();
    let late = false;
    qemu('write -P 0x66 0 4k').then(
      () => {
        late = true;
      },
      () => {},
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(late).toBe(false);
    expect(disk.counts().writes).toBe(1);
  });
});
