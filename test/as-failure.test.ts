import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asFailure } from '../src/as-failure.ts';
import { failure } from '../src/errors.ts';
import { unsafe } from '../src/machine/file-errors.ts';
import { guestError } from '../src/machine/ssh/errno.ts';
import { localTarget, rootTarget } from '../src/machine/tree.ts';
import { lookingAt } from '../src/typed.ts';
import { temporary } from './machine/temporary.ts';

const errorOf = (step: Promise<unknown>): Promise<unknown> =>
  step.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  );

function systemError(code: string, more: object = {}): Error {
  return Object.assign(new Error(`${code}: some words, open '/the/file'`), {
    code,
    syscall: 'open',
    path: '/the/file',
    ...more,
  });
}

describe('what a system call refuses names the file, in words:', () => {
  const REAL: readonly (readonly [
    what: string,
    refused: (at: string) => Promise<unknown>,
    code: string,
    words: RegExp,
  ])[] = [
    ['a file that is not there', (at) => readFile(join(at, 'none')), 'E_FILE', /^there is no \S+\/none$/],
    [
      'a folder in place of a file',
      (at) => localTarget({ dryRun: true }).read(at, 9),
      'E_FILE_UNSAFE',
      /it is a folder, not a file$/,
    ],
    ['a folder that is read', (at) => readFile(at), 'E_FILE', /EISDIR/],
    [
      'a file in place of a folder',
      (at) => readFile(join(at, 'file/x')),
      'E_FILE',
      /file\/x leads through something that is no folder$/,
    ],
    [
      'links in a circle',
      (at) => lstat(join(at, 'loop/x')),
      'E_FILE_UNSAFE',
      /the links of \S+loop\/x lead in a circle$/,
    ],
    ['a long name', (at) => lstat(join(at, 'x'.repeat(300))), 'E_FILE', /… is longer than a name may be$/],
    ['a folder that exists', (at) => mkdir(join(at, 'file')), 'E_FILE', /file is already there$/],
    ['a full disk', () => writeFile('/dev/full', 'x'), 'E_NO_SPACE', /no space left/],
    [
      'a program that is not there',
      async (at) => once(createWriteStream(join(at, 'none/x')), 'open'),
      'E_FILE',
      /there is no \S+none\/x$/,
    ],
    [
      'a tree’s file that is not there',
      (at) => rootTarget(at, { dryRun: true }).read('/etc/none', 9),
      'E_FILE',
      /^there is no \S+\/etc\/none$/,
    ],
    [
      'a write to a read-only tree',
      (at) => rootTarget(at, { dryRun: false }).write('/gone/x', 'x'),
      'E_FILE',
      /^there is no \S+\/gone\/x/,
    ],
  ];

  test.each(REAL)('%s', async (_, refused, code, words) => {
    const at = await temporary({ file: 'x', loop: { link: 'loop' } });
    const found = asFailure(await errorOf(refused(at)));
    expect(found.code).toBe(code);
    expect(found.what).toMatch(words);
    expect(found.what).not.toContain('/proc/self/fd');
    expect(found.next).not.toBe('');
  });

  test('every error number there is', () => {
    for (const code of Object.keys(constants.errno)) {
      const { code: ours, what, next } = asFailure(systemError(code));
      expect([code, ours === 'E_INTERNAL', what.includes('/the/file'), next === '']).toEqual([
        code,
        false,
        true,
        false,
      ]);
    }
  });

  test.each([
    ['EROFS', 'E_READ_ONLY'],
    ['ENOSPC', 'E_NO_SPACE'],
    ['EDQUOT', 'E_NO_SPACE'],
    ['EMFILE', 'E_FILE'],
    ['EISDIR', 'E_FILE'],
    ['ERR_FS_FILE_TOO_LARGE', 'E_FILE'],
  ])('%s without a path is %s all the same', (code, ours) => {
    const found = asFailure(Object.assign(new Error(`${code}: words, read`), { code, syscall: 'read' }));
    expect([found.code, found.what]).toEqual([ours, `${code}: words, read`]);
  });

  test.each(['EACCES', 'EPERM'])('%s asks a user to be root, and does not ask root', (code) => {
    expect(asFailure(systemError(code)).code).toBe('E_FILE');
    const { geteuid } = process;
    process.geteuid = () => 1000;
    try {
      expect(asFailure(systemError(code))).toMatchObject({
        code: 'E_NOT_ROOT',
        what: 'this user may not use /the/file',
      });
    } finally {
      process.geteuid = geteuid as () => number;
    }
  });
});

test('a program that cannot be started is a missing tool, and a defect stays one', () => {
  expect(asFailure(systemError('ENOENT', { syscall: 'spawn flock', path: 'flock' }))).toMatchObject({
    code: 'E_TOOLS_MISSING',
    what: expect.stringContaining('flock cannot be started'),
  });
  expect(asFailure(new TypeError('x is undefined')).code).toBe('E_INTERNAL');
  expect(asFailure(Object.assign(new Error('odd'), { code: 'ERR_ODD' })).code).toBe('E_INTERNAL');
  expect(asFailure(failure('E_LOCKED', 'what', 'next')).code).toBe('E_LOCKED');
});

test('what a guest over ssh refuses is looked at there, and by its root', () => {
  const said = (words: string): ReturnType<typeof asFailure> =>
    lookingAt({ host: 'db1' }, () => asFailure(guestError('/etc/shadow', `cat: /etc/shadow: ${words}`)));
  for (const words of ['Permission denied', 'Operation not permitted']) {
    const { code, what, next } = said(words);
    expect([code, what]).toEqual(['E_NOT_ROOT', 'the login on the guest may not use /etc/shadow']);
    expect(next).toContain('--host root@HOST');
  }
  expect(said('Input/output error').next).toContain("`ssh -- db1 'dmesg | tail'`");
  const circle = lookingAt({ host: 'db1' }, () => unsafe("/it's", 'its links lead in a circle'));
  expect(circle.failure.next).toContain('`ssh -- db1 ');
});
