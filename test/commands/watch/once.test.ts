import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { json, mptfix } from '../../helpers/cli.ts';
import { temporary } from '../../machine/temporary.ts';
import { partitions } from '../../watch/guest.ts';
import { machine, mountImage } from '../../watch/machine.ts';

const table = (option: string, place = '/'): string => `27 1 8:1 / ${place} rw - ext4 /dev/sda1 ${option}\n`;
const guest = (mountinfo: string): Promise<string> =>
  temporary({ 'proc/1/mountinfo': mountinfo, 'proc/partitions': partitions('8:1 sda1'), 'dev/kmsg': '' });

describe('what is printed', () => {
  test('the page has the alarm first and why; the address may stand alone', async () => {
    const root = await guest(`${table('ro', '/data')}28 1 8:2 / / rw - ext4 /dev/sda2 rw\n`);
    const { status, stdout } = await mptfix(['watch', 'once', '--root', root]);
    expect(status).toBe(10);
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'ALARM: a file system that should be writable cannot be written',
      '',
      '/data: read-only (ext4 on /dev/sda1)',
      '/:     ok (ext4 on /dev/sda2)',
    ]);
    expect(stdout).toContain('mount-table: read-only: is read-only (ro in the mount table)');
  });

  test.each([
    ['rw', 0, /^MPTFIX OK - 1 file systems are fine \| read_only=0;;0;0 errors=0;0;;0 file_systems=1;;;0\n$/],
    ['ro', 2, /^MPTFIX CRITICAL - \/ \(\/dev\/sda1\) read-only \| read_only=1;;0;0 /],
  ])('a line for Nagios: %s', async (option, status, line) => {
    const run = await mptfix(['watch', 'once', '--root', await guest(table(option)), '--nagios']);
    expect([run.status, run.stdout]).toEqual([status, expect.stringMatching(line)]);
  });

  test('a name does not end Nagios’ line or begin its data', async () => {
    const run = await mptfix(['watch', 'once', '--root', await guest(table('ro', '/a|b\\012c')), '--nagios']);
    expect([run.stdout.split('\n').length, run.stdout.split('|').length]).toEqual([2, 2]);
  });

  test('Nagios gets UNKNOWN where nothing can be told', async () => {
    const run = await mptfix(['watch', 'once', '--root', await temporary(), '--nagios']);
    expect([run.status, run.stdout]).toEqual([3, expect.stringMatching(/^MPTFIX UNKNOWN - .*\n$/)]);
  });

  test.each([
    [['--bogus'], /^MPTFIX UNKNOWN - unknown option '--bogus'\n$/],
    [['--to', 'a b'], /^MPTFIX UNKNOWN - not a mail address: "a b"\n$/],
    [['--root', '/nope'], /^MPTFIX UNKNOWN - there is no folder \/nope\n$/],
    [['--probe', '--root', '/'], /^MPTFIX UNKNOWN - --probe writes to this machine’s own disks\n$/],
  ])('a wrong line is UNKNOWN to Nagios, not its 2: %s', async (words, line) => {
    const run = await mptfix(['watch', 'once', '--nagios', ...words]);
    expect([run.status, run.stdout]).toEqual([3, expect.stringMatching(line)]);
    const document = await mptfix(['watch', 'once', '--nagios', '--json', ...words]);
    expect([document.status, json(document).schema]).toEqual([3, 'mptfix.error/1']);
  });

  test.each([
    ['rw', 0, 'ok'],
    ['ro', 2, 'alarm'],
  ])('with --json Nagios gets one document, and its own status: %s', async (option, status, result) => {
    const run = await mptfix(['watch', 'once', '--root', await guest(table(option)), '--nagios', '--json']);
    expect([run.status, json(run)]).toEqual([
      status,
      expect.objectContaining({ schema: 'mptfix.watch/1', result }),
    ]);
  });

  test('metrics for Prometheus, with their labels escaped', async () => {
    const root = await guest(table('ro', '/a"b\\134c\\012d'));
    const file = join(root, 'mptfix.prom');
    expect((await mptfix(['watch', 'once', '--root', root, '--prometheus', file])).status).toBe(10);
    const text = await readFile(file, 'utf8');
    expect(text).toContain(
      'mptfix_filesystem_read_only{mountpoint="/a\\"b\\\\c\\nd",device="/dev/sda1",fstype="ext4",state="read-only"} 1\n',
    );
    const known = /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? \d+|)$/;
    expect(text.split('\n').filter((line) => !known.test(line))).toEqual([]);
  });

  test('metrics that cannot be written do not hide an alarm', async () => {
    const run = await mptfix([
      'watch',
      'once',
      '--root',
      await guest(table('ro')),
      '--json',
      '--prometheus',
      '/proc/x',
    ]);
    expect([run.status, json(run).result, run.stderr]).toEqual([
      10,
      'alarm',
      expect.stringContaining('was not written'),
    ]);
  });

  test.each([['--colour'], ['--prometheus'], ['--json=1'], ['--probe', '--root', '/']])(
    'wrong usage: %s',
    async (...args) => {
      expect((await mptfix(['watch', 'once', ...args])).status).toBe(2);
    },
  );
});

test('a write that does not come back is a state of its own, and is not sent twice', async () => {
  const on = await machine();
  mountImage(on, 'data', 'mkfs.ext4 -q -F');
  onTestFinished(() => void on.sh('fsfreeze -u data 2>/dev/null || true'));
  on.sh('fsfreeze -f data');
  const first = await on.mptfix(['watch', 'once', '--json', '--probe']);
  const found = json(first).fileSystems.find(
    ({ mountPoint }: { mountPoint: string }) => mountPoint === `${on.folder}/data`,
  );
  expect([first.status, found.state, found.probe]).toEqual([10, 'hang', 'hang']);
  const second = await on.mptfix(['watch', 'once', '--probe']);
  expect(second.status).toBe(10);
  expect(second.stdout).toContain('has not returned (process ');
  on.sh('fsfreeze -u data');
  await expect
    .poll(async () => (await on.mptfix(['watch', 'once', '--probe'])).status, { timeout: 40_000 })
    .toBe(0);
  expect(on.sh('ls -A data')).toBe('lost+found\n');
});
