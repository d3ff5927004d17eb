import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openWorkspace } from '../../src/work/workspace.ts';
import { failureOf, put, sh, temporary, workspaceForTest } from '../machine/temporary.ts';

test('the folder is private, and belongs to a user who owns and runs nothing else', async () => {
  const workspace = await workspaceForTest();
  const status = await stat(workspace.folder);
  const uid = workspace.user?.uid ?? -1;
  expect([status.mode & 0o777, status.uid, status.gid]).toEqual([0o700, uid, workspace.user?.gid]);
  expect(uid >= 61184 && uid <= 65519).toBe(true);
  expect(sh('ps -eo uid=').split('\n').map(Number)).not.toContain(uid);
  expect(sh('getent passwd "$1" || true', String(uid))).toBe('');
  expect(workspace.at('a', 'b')).toBe(join(workspace.folder, 'a/b'));
});

test('handOver gives all below a folder to the user, and does not follow links', async () => {
  const outside = await temporary({ kept: 'x' });
  const workspace = await workspaceForTest();
  await put(workspace.folder, { 'part/deep/file': 'x', 'part/out': { link: join(outside, 'kept') } });
  await workspace.handOver(workspace.at('part'));
  const uids = await Promise.all(
    ['part', 'part/deep', 'part/deep/file'].map((name) => stat(workspace.at(name))),
  );
  expect(uids.map(({ uid }) => uid)).toEqual(Array(3).fill(workspace.user?.uid));
  expect((await stat(join(outside, 'kept'))).uid).toBe(0);
});

test('the user can work in the folder, and cannot leave files beside it', async () => {
  const base = await temporary();
  const workspace = await workspaceForTest(base);
  const { machine, user } = workspace;
  const options = { effect: 'write', ...(user === undefined ? {} : { user }) } as const;
  expect((await machine.run(['touch', workspace.at('mine')], options)).status).toBe(0);
  expect((await machine.run(['touch', join(base, 'beside')], options)).status).toBe(1);
});

test('a second folder is this process’s own: the user cannot even look into it', async () => {
  const workspace = await workspaceForTest();
  const { machine, user } = workspace;
  await workspace.writeOwn(workspace.own('deep/file'), Buffer.from('x'));
  const status = await stat(workspace.own());
  expect([status.uid, status.mode & 0o777]).toEqual([process.geteuid?.(), 0o700]);
  expect(await readFile(workspace.own('deep/file'), 'utf8')).toBe('x');
  const options = { effect: 'read', ...(user === undefined ? {} : { user }) } as const;
  expect((await machine.run(['ls', workspace.own()], options)).status).not.toBe(0);
});

test('a folder of the user’s is new: where something has the name, also a link, nothing is given away', async () => {
  const outside = await temporary();
  const workspace = await workspaceForTest();
  const made = await stat(await workspace.userFolder('patched'));
  expect([made.uid, made.mode & 0o777]).toEqual([workspace.user?.uid, 0o700]);
  await put(workspace.folder, { link: { link: outside } });
  for (const name of ['patched', 'link']) await expect(workspace.userFolder(name)).rejects.toThrow('EEXIST');
  expect((await stat(outside)).uid).toBe(process.geteuid?.());
});

test('dispose takes the folder with all in it, and may come twice', async () => {
  const base = await temporary();
  const workspace = await openWorkspace(base);
  await put(workspace.folder, { 'a/b/c': 'x' });
  await workspace.dispose();
  await workspace.dispose();
  expect(await readdir(base)).toEqual([]);
});

test('a kept log outlives the folder, and only its owner can read it', async () => {
  const base = await temporary();
  const workspace = await openWorkspace(base);
  const log = await workspace.keepLog('build', 'what make said\n');
  await workspace.dispose();
  expect(await readFile(log, 'utf8')).toBe('what make said\n');
  expect((await stat(log)).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(log))).mode & 0o777).toBe(0o700);
  expect(dirname(dirname(log))).toBe(base);
});

describe('E_NO_WORK_FOLDER, and nothing is left, where the base is', () => {
  test('missing', async () => {
    const base = await temporary();
    const { code, next } = await failureOf(openWorkspace(join(base, 'none')));
    expect([code, next]).toEqual(['E_NO_WORK_FOLDER', expect.stringContaining('--work')]);
  });

  test('a file', async () => {
    const base = await temporary({ file: 'x' });
    expect((await failureOf(openWorkspace(join(base, 'file')))).code).toBe('E_NO_WORK_FOLDER');
  });

  test('below a folder that only root may enter', async () => {
    const base = await temporary();
    await mkdir(join(base, 'closed/open'), { recursive: true });
    await chmod(join(base, 'closed'), 0o700);
    const { code, next } = await failureOf(openWorkspace(join(base, 'closed/open')));
    expect([code, next]).toEqual(['E_NO_WORK_FOLDER', expect.stringContaining('chmod a+x')]);
    expect(await readdir(join(base, 'closed/open'))).toEqual([]);
  });
});
