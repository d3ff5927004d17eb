import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Target } from '../../../src/machine/port.ts';
import { closeHosts, hostFigures, hostTarget } from '../../../src/machine/ssh/target.ts';
import { rootTarget } from '../../../src/machine/tree.ts';
import { type SshGuest, sshGuest } from '../../helpers/sshd.ts';

let guest: SshGuest;
let target: Target;
let asTree: Target;
const LIMIT = 64 * 1024 * 1024;
/** Names that mean something to a shell, to ls or to a terminal. */
const ODD = [
  "it's",
  '$(touch hit)',
  '`touch hit`',
  '-rf',
  '*',
  '.*',
  'a b  c',
  '; touch hit;',
  'line\nbreak',
  'ends\n',
  '"q"',
  '\\n',
  'é',
  ' -> x',
  '~',
  '!e',
  '@e 0',
];
const content = randomBytes(300_001);

beforeAll(async () => {
  guest = await sshGuest();
  mkdirSync(join(guest.tree, 'odd'));
  mkdirSync(join(guest.tree, 'empty'));
  for (const name of ODD) writeFileSync(join(guest.tree, 'odd', name), `of ${name}`);
  writeFileSync(join(guest.tree, 'large'), content, { mode: 0o640 });
  mkdirSync(join(guest.tree, 'walk/deep/er'), { recursive: true });
  for (let index = 0; index < 120; index += 1)
    writeFileSync(join(guest.tree, `walk/deep/${index}`), randomBytes((index * 977) % 5000));
  symlinkSync('../odd/ -> x', join(guest.tree, 'walk/ -> \n -> '));
  writeFileSync(join(guest.tree, 'walk/deep/er/empty'), '');
  symlinkSync('/odd', join(guest.tree, 'to-odd'));
  symlinkSync("../to-odd/it's", join(guest.tree, 'empty/chain'));
  symlinkSync('loop', join(guest.tree, 'loop'));
  symlinkSync('/nowhere/else', join(guest.tree, 'dangling'));
  execFileSync('mkfifo', [join(guest.tree, 'pipe')]);
  execFileSync('touch', ['-d', '2005-03-04 05:06:07 UTC', join(guest.tree, 'large')]);
  target = hostTarget(guest.host, guest.options, { dryRun: true });
  asTree = rootTarget(guest.tree, { dryRun: true });
});
afterAll(async () => {
  await closeHosts();
  await guest.close();
});

test('files, folders, links and their states are what a look at the tree itself finds', async () => {
  const same = async (ask: (one: Target) => Promise<unknown>): Promise<void> =>
    expect(await ask(target)).toEqual(await ask(asTree));
  for (const path of ['/odd', '/empty', '/', '/nowhere', '/large', '/to-odd']) {
    await same((one) => one.list(path));
    await same((one) => one.realPath(path));
  }
  for (const path of [
    '/odd',
    '/large',
    '/to-odd',
    '/dangling',
    '/pipe',
    '/empty/chain',
    '/nowhere',
    '/large/x',
  ]) {
    await same(async (one) => coarse(await one.stat(path)));
    await same(async (one) => coarse(await one.lstat(path)));
    await same((one) => one.readLink(path));
    await same((one) => one.realPath(path));
  }
  for (const name of ODD) {
    await same((one) => one.readText(`/odd/${name}`, 1000));
    await same(async (one) => coarse(await one.lstat(`/odd/${name}`)));
  }
  expect((await target.stat('/large'))?.mtime).toBe('1109912767.000000000');
  await same((one) => one.readText('/empty/chain', 1000));
  await same((one) => one.hash('/large', LIMIT));
  await same((one) => one.readRange('/large', 5000, 9000));
  await same((one) => one.readRange('/large', 300_000, 4096));
  expect((await target.read('/large', LIMIT)).equals(content)).toBe(true);
  expect(await target.hash('/large', LIMIT)).toBe(createHash('sha256').update(content).digest('hex'));
  for (const links of ['/loop', '/loop/x']) await expect(target.stat(links)).rejects.toThrow('circle');
});

/** busybox tells no fraction of a second. */
function coarse(status: Awaited<ReturnType<Target['stat']>>): unknown {
  if (status === undefined) return undefined;
  const { size, ...rest } = status;
  return { ...rest, mtime: status.mtime.split('.')[0], size: status.type === 'file' ? size : 0 };
}

test('all of a folder is what a walk of the tree finds, in few round trips', async () => {
  const bounds = { entries: 1000, bytes: LIMIT, depth: 10 };
  const walked = async (one: Target, path: string): Promise<unknown> => {
    const all: unknown[] = [];
    for await (const entry of one.walk(path, bounds))
      all.push(
        entry.type === 'file'
          ? { ...entry, content: Buffer.concat([...entry.content()]) }
          : // An `ls` of 2003 does not tell it.
            { ...entry, changed: undefined },
      );
    return all;
  };
  for (const path of ['/odd', '/walk', '/to-odd'])
    expect(await walked(target, path)).toEqual(await walked(asTree, path));
  const options = [...guest.options, 'LogLevel=INFO'];
  const alone = hostTarget(guest.host, options, { dryRun: true });
  expect(((await walked(alone, '/walk')) as unknown[]).length).toBe(121 + 3);
  // The login, three levels of folders, and the files' contents. The odd link costs its folder a look at each entry.
  expect((await hostFigures(guest.host, options))?.trips).toBeLessThanOrEqual(9);
  await expect(walked(target, '/')).rejects.toMatchObject({ failure: { code: 'E_FILE_UNSAFE' } });
});

test('what is no file, and what is larger than asked for, is refused, and the connection goes on', async () => {
  const is = (code: string) => ({ failure: { code } });
  await expect(target.read('/pipe', LIMIT)).rejects.toMatchObject(is('E_FILE_UNSAFE'));
  await expect(target.read('/odd', LIMIT)).rejects.toMatchObject(is('E_FILE_UNSAFE'));
  await expect(target.read('/large', 1000)).rejects.toMatchObject(is('E_FILE_UNSAFE'));
  await expect(target.readRange('/pipe', 0, 10)).rejects.toMatchObject(is('E_FILE_UNSAFE'));
  await expect(target.read('/nowhere', LIMIT)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(target.openStream('/dev/kmsg')).rejects.toMatchObject(is('E_FILE_UNSAFE'));
  expect((await target.read('/large', LIMIT)).length).toBe(content.length);
});

test('programs are the guest’s own, and each word reaches them as it is', async () => {
  const result = await target.run(['printf', '%s\\n', ...ODD], { effect: 'read', env: { X: "it's" } });
  expect(result.stdout.toString()).toBe(ODD.map((name) => `${name}\n`).join(''));
  expect(await target.findProgram('python3')).toBeUndefined();
  expect(await target.findProgram('stat')).toBeUndefined();
  expect(await target.findProgram('ls')).toBe('/bin/ls');
  const { status } = await target.run(['stat', '/'], { effect: 'read' });
  expect(status).toBe(127);
  expect(await target.list('/')).not.toContain('hit');
  expect(await target.list('/odd')).not.toContain('hit');
});

test('nothing is written, whoever asks', async () => {
  for (const dryRun of [true, false]) {
    const one = hostTarget(guest.host, guest.options, { dryRun });
    const code = dryRun ? 'E_DRY_RUN' : 'E_USAGE';
    const is = { failure: { code } };
    await expect(one.write('/x', 'x')).rejects.toMatchObject(is);
    await expect(one.remove('/large')).rejects.toMatchObject(is);
    await expect(one.run(['touch', '/x'], { effect: 'write' })).rejects.toMatchObject(is);
    await expect(one.lock('/etc')).rejects.toMatchObject(is);
  }
});

test('a program that takes too long is given up, and not the connection', async () => {
  const { status, stderr } = await target.run(['sleep', '20'], { effect: 'read', timeoutMs: 500 });
  expect([status, stderr]).toEqual([137, 'no answer within 0.5 s']);
  expect(await target.readText("/odd/it's", 100)).toBe("of it's");
});

test('what a program prints is handed on as it comes, and no further than it is wanted', async () => {
  const pieces: Buffer[] = [];
  const onChunk = async (chunk: Buffer): Promise<boolean> => {
    pieces.push(chunk);
    return true;
  };
  const all = await target.run(['cat', '/large', '/large'], { effect: 'read', onChunk });
  expect([all.status, all.stdout.length]).toEqual([0, 0]);
  expect(Buffer.concat(pieces).equals(Buffer.concat([content, content]))).toBe(true);
  let taken = 0;
  const enough = await target.run(['sh', '-c', 'while :; do echo more; done'], {
    effect: 'read',
    onChunk: (chunk) => {
      taken += chunk.length;
      return taken < 100_000;
    },
  });
  expect(enough.status).toBe(0);
  expect(taken).toBeLessThan(50_000_000);
});

test('a lost connection is an error with words, never a short file', async () => {
  const one = hostTarget(guest.host, [...guest.options, 'LogLevel=ERROR'], { dryRun: true });
  await one.readText('/odd/é', LIMIT);
  const reading = one.read('/large', LIMIT);
  guest.cut();
  await expect(reading).rejects.toMatchObject({ failure: { code: 'E_HOST_LOST' } });
  await expect(one.readText('/odd/*', LIMIT)).rejects.toMatchObject({ failure: { code: 'E_HOST_LOST' } });
  await closeHosts();
});
