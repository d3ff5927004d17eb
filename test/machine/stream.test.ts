import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rootTarget } from '../../src/machine/tree.ts';
import { sh, temporary } from './temporary.ts';

test('a stream gives what is there, and does not wait for more', async () => {
  const folder = await temporary({ log: 'one\ntwo\n' });
  sh('mkfifo "$1/pipe"', folder);
  const target = rootTarget(folder, { dryRun: true });
  const file = await target.openStream('/log');
  expect([file.read()?.toString(), file.read()]).toEqual(['one\ntwo\n', undefined]);
  file.close();
  const pipe = await target.openStream('/pipe');
  expect(pipe.read()).toBe(undefined);
  pipe.close();
  await expect(target.openStream('/none')).rejects.toThrow('ENOENT');
});

test('the kernel’s messages come a record at a time, all of them', async () => {
  const stream = await rootTarget('/', { dryRun: true }).openStream('/dev/kmsg');
  const first = stream.read()?.toString() ?? '';
  let count = 1;
  while (stream.read() !== undefined) count += 1;
  stream.close();
  expect(first).toMatch(/^\d+,\d+,\d+,[^;]*;/);
  expect(count).toBeGreaterThan(10);
});

test('of many that make one file at once a single one does, with all its content', async () => {
  const folder = await temporary();
  const target = rootTarget(folder, { dryRun: false });
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, index) => target.create('/lock', `run ${index}\n`)),
  );
  const winner = made.indexOf(true);
  expect(made.filter(Boolean).length).toBe(1);
  expect(await readFile(join(folder, 'lock'), 'utf8')).toBe(`run ${winner}\n`);
  expect(((await stat(join(folder, 'lock'))).mode & 0o777).toString(8)).toBe('600');
  expect(sh('ls -A "$1"', folder)).toBe('lock\n');
});

test('a dry run neither makes a file nor hands text to a device', async () => {
  const folder = await temporary({ device: '' });
  const target = rootTarget(folder, { dryRun: true });
  await expect(target.create('/x', 'x')).rejects.toThrow('dry run');
  await expect(target.emit('/device', 'x')).rejects.toThrow('dry run');
  expect(sh('cat "$1/device"; ls "$1"', folder)).toBe('device\n');
});

test('the number of a device', async () => {
  expect((await rootTarget('/', { dryRun: true }).stat('/dev/null'))?.rdev).toBe('1:3');
});
