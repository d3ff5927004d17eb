import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { parseListing } from '../../../src/machine/ssh/listing.ts';
import { localTarget } from '../../../src/machine/tree.ts';

const NOW = Date.UTC(2006, 1, 3);
const of = (line: string) => parseListing(line, NOW);

test.each([
  ['2005-03-04 05:06:07.123456789 +0000', '1109912767.123456789'],
  ['2005-03-04 05:06:07 +0000', '1109912767.000000000'],
  ['Fri Mar  4 05:06:07 2005', '1109912767.000000000'],
  ['Mar  4  2005', '1109894400.000000000'],
  ['Dec 31 23:59', '1136073540.000000000'],
  ['Feb  3 12:00', '1138968000.000000000'],
  ['1969-12-31 23:59:59.500000000 +0000', '-0.500000000'],
])('the time %s', (time, mtime) => {
  const found = of(`-rw-r--r--    1 0        500          1234 ${time} /a -> b\n`);
  expect(found).toEqual({
    status: { type: 'file', size: 1234, mode: 0o644, uid: 0, gid: 500, mtime },
    rest: '/a -> b\n',
  });
});

test('types, special bits, contexts and devices', () => {
  const line = (head: string, size: string): string => `${head} 2 4294967294 7 ${size} Mar  4  2005 /x\n`;
  expect(of(line('drwxrwxrwt', '0'))?.status).toMatchObject({ type: 'directory', mode: 0o1777 });
  expect(of(line('-rwsr-Sr-T.', '1'))?.status).toMatchObject({ type: 'file', mode: 0o7744, uid: 4294967294 });
  expect(of(line('brw-rw----+', '8,  17'))?.status).toMatchObject({ type: 'other', rdev: '8:17' });
  expect(of(line('lrwxrwxrwx', '7'))?.status).toMatchObject({ type: 'link', size: 7 });
});

test.each(['', 'ls: /x: No such file or directory', '-rw-r--r-- 1 root root 3 Mar  4  2005 /x', 'total 0'])(
  '%j is no such line',
  (text) => expect(of(text)).toBeUndefined(),
);

test('what this machine’s ls and busybox’ say of its own files is what the kernel says', async () => {
  const target = localTarget({ dryRun: true });
  for (const path of [
    '/etc/passwd',
    '/dev/null',
    '/proc/self',
    '/bin',
    '/tmp',
    '/usr/bin/mount',
    '/proc/version',
  ]) {
    const status = await target.lstat(path);
    for (const program of [['ls'], ['busybox', 'ls']]) {
      const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC0' };
      const [file = '', ...words] = [...program, '-ldn', '--full-time', path];
      const found = parseListing(execFileSync(file, words, { env }).toString(), Date.now())?.status;
      const { type, mode, uid, gid, rdev } = status ?? {};
      expect({ ...found, size: 0, mtime: '' }).toEqual({
        type,
        mode,
        uid,
        gid,
        size: 0,
        mtime: '',
        ...(rdev === undefined ? {} : { rdev }),
      });
      if (type === 'file') expect(found?.size).toBe(status?.size);
      if (!path.startsWith('/proc')) expect(found?.mtime.split('.')[0]).toBe(status?.mtime.split('.')[0]);
    }
  }
});
