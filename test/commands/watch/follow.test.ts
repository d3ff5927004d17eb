import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BIN, mptfix } from '../../helpers/cli.ts';
import { until } from '../../machine/temporary.ts';
import { machine, mountImage } from '../../watch/machine.ts';

test('a failure is reported when the kernel logs it, and SIGTERM ends it', async () => {
  const on = await machine();
  const loop = mountImage(on, 'data', 'mkfs.ext4 -q -F', 'errors=remount-ro');
  const [file = '', ...before] = on.prefix;
  const script = 'echo $$ > "$1/pid"; exec "$2" "$3" watch follow --json';
  const child = spawn(file, [...before, 'sh', '-c', script, 'sh', on.folder, process.execPath, BIN], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: { mountPoint: string; before: string | null; state: string }[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    // NDJSON: a document is a line, and a line is a document.
    const whole = (rest + chunk.toString()).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) lines.push(JSON.parse(line));
  });
  const of = (state: string) =>
    lines.find((line) => line.mountPoint === `${on.folder}/data` && line.state === state);
  await until(() => of('ok') !== undefined);
  on.sh(`echo 1 > /sys/fs/ext4/${loop}/trigger_fs_error`);
  // Long before the next look that no message asks for, a minute after the last.
  await until(() => of('read-only') !== undefined);
  expect(of('read-only')?.before).toBe('ok');
  on.sh(`kill -TERM ${(await readFile(join(on.folder, 'pid'), 'utf8')).trim()}`);
  const [status] = await once(child, 'exit');
  expect([status, rest]).toEqual([143, '']);
});

test('--help says that its --json is NDJSON, and that of once a document', async () => {
  const help = async (verb: string) => (await mptfix(['watch', verb, '--help'])).stdout.replace(/\s+/g, ' ');
  expect(await help('follow')).toContain('--json print NDJSON on stdout: one JSON document per line');
  expect(await help('once')).toContain('--json print one JSON document on stdout');
});
