import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generations } from '../../src/install/generations.ts';
import { BOTH_GONE, STDERR_GONE, STDOUT_GONE, unread } from '../helpers/unread.ts';
import { installed, RELEASE, type SmallGuest, smallGuest } from '../install/small-guest.ts';
import { temporary } from '../machine/temporary.ts';

test('a result that nobody reads ends quietly, with the command’s own status', async () => {
  const { root } = await smallGuest();
  for (const words of [['--help'], ['status', '--root', root], ['status', '--root', root, '--json']])
    expect(unread(STDOUT_GONE, ...words)).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('a failure that nobody reads has its exit status all the same', async () => {
  const none = join(await temporary(), 'none');
  expect(unread(STDERR_GONE, 'check', '--root', none, '--json').stdout).toContain('E_TARGET_MISSING');
  for (const gone of [STDOUT_GONE, STDERR_GONE, BOTH_GONE])
    expect(unread(gone, 'check', '--root', none, '--json').status).toBe(3);
  expect(unread(BOTH_GONE, 'check', '--rot').status).toBe(2);
});

/** Two installations, of which the second was stopped in the middle. A rollback has something to say at once. */
async function halfDone(): Promise<SmallGuest> {
  const guest = await smallGuest();
  await installed(guest);
  await installed(guest, 3);
  const journal = join(guest.root, 'var/lib/mptfix/generations/2/journal.ndjson');
  const lines = readFileSync(journal, 'utf8').trimEnd().split('\n');
  await guest.target.write(journal.slice(guest.root.length), `${lines.slice(0, -1).join('\n')}\n`);
  return guest;
}

test('a rollback is finished, whoever goes away', async () => {
  for (const gone of [STDOUT_GONE, STDERR_GONE, BOTH_GONE]) {
    const guest = await halfDone();
    const { status, stdout, stderr } = unread(gone, 'rollback', '--root', guest.root, '--yes');
    expect([gone, status]).toEqual([gone, 0]);
    if (gone === STDERR_GONE) expect(stdout).toContain('1');
    if (gone === STDOUT_GONE) expect(stderr).toContain('was interrupted');
    const states = (await generations(guest.target)).map((one) => `${one.number} ${one.state}`);
    expect(states).toEqual(['1 rolled-back', '2 rolled-back']);
  }
});

test('a watch that only prints ends when nobody reads it', async () => {
  const root = await temporary({
    'proc/self/mountinfo': '25 1 8:1 / / rw - ext4 /dev/sda1 rw\n',
    'proc/partitions': 'major minor  #blocks  name\n\n   8        1    1048576 sda1\n',
    'etc/fstab': '/dev/sda1 / ext4 defaults 0 1\n',
  });
  expect(unread(STDOUT_GONE, 'watch', 'follow', '--root', root)).toMatchObject({ status: 0 });
});

test('a disk that is full is not a reader that went away: it is an error, and told', async () => {
  const { root } = await smallGuest();
  const { status, stderr } = unread('2> stderr > /dev/full', 'status', '--root', root, '--kernel', RELEASE);
  expect([status, stderr]).toEqual([3, expect.stringMatching(/^mptfix: E_OUTPUT: .*\n {2}next: .*\n$/)]);
});
