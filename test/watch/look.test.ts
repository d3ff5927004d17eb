import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { look } from '../../src/watch/look.ts';
import { emptyState } from '../../src/watch/state.ts';
import { failureOf } from '../machine/temporary.ts';
import { CASES, kmsg } from './cases.ts';
import { guest, partitions } from './guest.ts';
import { MOUNT_TABLES } from './mount-tables.ts';

const tableForm = (path: string): string =>
  path.replace(/[\\ \t\n]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`);

test.each(CASES)('$name', async ({ files, log = [], alarms = [], warnings = [] }) => {
  const target = await guest({ ...files, 'dev/kmsg': kmsg(log) });
  const { findings, notes } = await look(target, { state: emptyState('') });
  const bad = findings.filter(({ state }) => state !== 'ok');
  const of = (warning: boolean): readonly string[] =>
    bad
      .filter(({ state }) => (state === 'errors') === warning)
      .map(({ fileSystem }) => tableForm(fileSystem.mountPoint));
  expect([of(false), of(true), notes]).toEqual([alarms, warnings, []]);
  for (const { evidence } of bad) expect(evidence.length).toBeGreaterThan(0);
});

test.each(MOUNT_TABLES)('mount table: $name', async ({ files, log = [], alarms = [], places }) => {
  const { findings } = await look(await guest({ ...files, 'dev/kmsg': kmsg(log) }), {
    state: emptyState(''),
  });
  const named = (all: typeof findings) => all.map(({ fileSystem }) => tableForm(fileSystem.mountPoint));
  expect(named(findings)).toEqual(places);
  expect(named(findings.filter(({ state }) => state !== 'ok'))).toEqual(alarms);
  // What the next run remembers of one is never another’s.
  expect(new Set(findings.map(({ key }) => key)).size).toBe(findings.length);
});

test('what an earlier run saw writable may not turn read-only, whatever fstab says', async () => {
  const mounts = (option: string): string => `/dev/sda1 /data ext3 ${option} 0 0\n`;
  const target = await guest({
    'proc/mounts': mounts('rw'),
    'dev/kmsg': '',
    'proc/partitions': partitions('8:1 sda1'),
  });
  const first = await look(target, { state: emptyState('') });
  const state = {
    ...emptyState(''),
    seen: Object.fromEntries(first.findings.map(({ key, remember }) => [key, remember])),
  };
  await writeFile(join(target.root, 'proc/mounts'), mounts('ro'));
  const [finding] = (await look(target, { state })).findings;
  expect([finding?.state, finding?.evidence[0]?.detail]).toEqual([
    'read-only',
    expect.stringContaining('earlier run'),
  ]);
  expect((await look(target, { state: emptyState('') })).findings[0]?.state).toBe('ok');
});

test('an abort is remembered when the log has lost it, until the file system is mounted anew', async () => {
  const mount = (id: number): string => `${id} 1 8:1 / /data rw - xfs /dev/sda1 rw\n`;
  const log = kmsg(['XFS (sda1): Log I/O Error Detected.  Shutting down filesystem']);
  const target = await guest({
    'proc/1/mountinfo': mount(30),
    'dev/kmsg': log,
    'proc/partitions': partitions('8:1 sda1'),
  });
  const first = await look(target, { state: emptyState('') });
  const state = {
    ...emptyState(''),
    seen: Object.fromEntries(first.findings.map(({ key, remember }) => [key, remember])),
  };
  await writeFile(join(target.root, 'dev/kmsg'), '');
  expect((await look(target, { state })).findings[0]?.state).toBe('shut-down');
  await writeFile(join(target.root, 'proc/1/mountinfo'), mount(31));
  expect((await look(target, { state })).findings[0]?.state).toBe('ok');
});

test('mounted again with its errors, it takes writes: if the kernel’s log and the counter’s own time say so', async () => {
  const boot = 1_700_000_000;
  const files = (lastError: number) => ({
    'proc/1/mountinfo': '27 1 8:1 / / rw - ext4 /dev/sda1 rw,errors=remount-ro\n',
    'proc/partitions': partitions('8:1 sda1'),
    'proc/stat': `btime ${boot}\n`,
    'proc/sys/kernel/osrelease': '6.1.0-28-amd64\n',
    'sys/fs/ext4/sda1/errors_count': '2\n',
    'sys/fs/ext4/sda1/last_error_time': `${boot + lastError}\n`,
    'proc/fs/ext4/sda1/options': 'errors=remount-ro\n',
    'dev/kmsg': '6,9,1000000000,-;EXT4-fs (sda1): mounted filesystem 0f5c with ordered data mode\n',
  });
  const stateOf = async (lastError: number) =>
    (await look(await guest(files(lastError)), { state: emptyState('') })).findings[0]?.state;
  expect([await stateOf(900), await stateOf(1100)]).toEqual(['errors', 'read-only']);
});

test('what a program writes into the kernel’s log is not the kernel’s word', async () => {
  const target = await guest({
    'proc/1/mountinfo': '27 1 8:1 / / rw - ext4 /dev/sda1 rw\n',
    'proc/partitions': partitions('8:1 sda1'),
    'dev/kmsg':
      '12,1,1,-;EXT4-fs (sda1): Remounting filesystem read-only\n SUBSYSTEM=EXT4-fs (sda1): Remounting filesystem read-only\n;\nx,1,2,-;Aborting journal on device sda1-8.\n',
  });
  expect((await look(target, { state: emptyState('') })).findings[0]?.state).toBe('ok');
});

test('a log of nonsense, without line ends, is read in bounded memory and time', async () => {
  const target = await guest({
    'proc/1/mountinfo': '27 1 8:1 / / rw - ext4 /dev/sda1 rw\n',
    'dev/kmsg': '\u0000;EXT4-fs ('.repeat(2_000_000),
  });
  expect((await look(target, { state: emptyState('') })).findings[0]?.state).toBe('ok');
});

test('without a mount table it is refused, and without the kernel’s log it says so', async () => {
  expect(
    await failureOf(look(await guest({ 'etc/fstab': '/dev/sda1 / ext3' }), { state: emptyState('') })),
  ).toMatchObject({
    code: 'E_MOUNTS_UNKNOWN',
  });
  const { notes } = await look(await guest({ 'proc/mounts': '/dev/sda1 / ext3 rw 0 0\n' }), {
    state: emptyState(''),
  });
  expect(notes).toEqual([expect.stringContaining('cannot be read')]);
});
