import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BIN } from '../helpers/cli.ts';
import { temporary } from '../machine/temporary.ts';
import { DRIVER_BUG, syslog } from './sequences.ts';

const MIB = 1024 * 1024;

/** Runs diagnose; answers its document, and the process's high-water mark in MiB. */
async function measured(
  file: string,
): Promise<{ readonly peak: number; readonly result: { incidents: unknown[]; older: unknown } }> {
  const child = spawn(process.execPath, [BIN, 'diagnose', '--json', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has ended; what was seen last is the mark.
    }
  }, 5);
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  await once(child, 'close');
  clearInterval(timer);
  return { peak, result: JSON.parse(Buffer.concat(out).toString('utf8')) };
}

test('a log of 200 MB is read within 120 MB, and each of its 400 incidents is found', async () => {
  const file = join(await temporary(), 'messages');
  const ordinary =
    'Jun 12 10:00:00 guest1 sshd[4242]: Accepted publickey for deploy from 10.1.4.22 port 51234 ssh2\n';
  const filler = ordinary.repeat(Math.ceil(MIB / 2 / ordinary.length));
  const descriptor = openSync(file, 'w');
  for (let hour = 0; hour < 400; hour += 1) {
    const day = String(1 + Math.floor(hour / 24)).padStart(2, ' ');
    const month = ['Jan', 'Feb', 'Mar'][Math.floor(hour / (28 * 24))] ?? 'Jan';
    writeSync(descriptor, filler);
    writeSync(descriptor, syslog(`${month} ${day} ${String(hour % 24).padStart(2, '0')}:20:`, DRIVER_BUG));
  }
  closeSync(descriptor);
  const { peak, result } = await measured(file);
  expect(peak).toBeGreaterThan(20);
  expect(peak).toBeLessThan(120);
  // The latest 200 in full, of the others the number.
  expect(result.incidents).toHaveLength(200);
  expect(result.older).toMatchObject({ count: 200 });
});

test('so is a log of nothing but errors, each of them counted', async () => {
  const file = join(await temporary(), 'messages');
  const descriptor = openSync(file, 'w');
  let lines = 0;
  for (let piece = 0; piece < 24; piece += 1) {
    let text = '';
    for (; text.length < MIB; lines += 1)
      text += `Jun 12 11:20:${10 + piece} guest1 kernel: end_request: I/O error, dev sda, sector ${lines}\n`;
    writeSync(descriptor, text);
  }
  closeSync(descriptor);
  const { peak, result } = await measured(file);
  expect(peak).toBeLessThan(120);
  expect(result.incidents).toMatchObject([{ messages: lines, counts: { 'block-error': lines } }]);
});
