import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { imageHolds, text } from '../bundle/old-guest.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { oldSshGuest } from '../helpers/old-ssh-guest.ts';

test('apply, apply once more, status and rollback of a given bundle', { timeout: 240_000 }, async () => {
  const guest = await oldSshGuest();
  const { ssh, bundle } = guest;
  const before = guest.all();
  const given = [...ssh.words, '--bundle', bundle];
  const dry = await mptfix(['apply', ...given, '--dry-run', '--json']);
  expect(dry, dry.stderr).toMatchObject({ status: 0 });
  expect(json(dry)).toMatchObject({ result: 'planned', plan: null, manifest: null });
  expect(await mptfix(['apply', ...given])).toMatchObject({ status: 2 });
  expect(guest.all()).toEqual(before);

  const applied = await mptfix(['apply', ...given, '--yes', '--json']);
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
  expect(json(applied)).toMatchObject({ result: 'patched', manifest: { generation: 1 } });
  expect(await text(guest, guest.modulePath)).toBe(String(guest.content.bytes));
  expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
  expect(readdirSync(join(guest.root, 'var/run'))).toEqual([]);

  const again = await mptfix(['apply', ...given, '--yes', '--json']);
  expect(again, again.stderr).toMatchObject({ status: 0 });
  expect(json(again)).toMatchObject({ result: 'nothing-to-do' });

  const undone = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(undone, undone.stderr).toMatchObject({ status: 0 });
  expect(json(undone)).toMatchObject({ result: 'rolled-back', generations: [1] });
  expect(guest.all()).toEqual(before);
  const none = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(json(none)).toMatchObject({ result: 'nothing-to-do' });
});

test('several guests: one that cannot be reached stops no other, unless asked', {
  timeout: 240_000,
}, async () => {
  const { ssh, bundle, ...guest } = await oldSshGuest();
  const before = guest.all();
  const [, , ...options] = ssh.words;
  const two = ['--host', 'root@127.0.0.2', '--host', ssh.host, ...options];
  const given = ['apply', ...two, '--bundle', bundle, '--yes'];

  const fast = await mptfix([...given, '--fail-fast', '--json']);
  expect(fast, fast.stderr).toMatchObject({ status: 3 });
  expect(json(fast)).toMatchObject({
    exitStatus: 3,
    results: [{ guest: 'root@127.0.0.2', exitStatus: 3, output: { error: { code: 'E_HOST' } } }],
    notTried: [ssh.host],
  });
  expect(guest.all()).toEqual(before);

  const run = await mptfix(given);
  expect(run, run.stderr).toMatchObject({ status: 3 });
  const lines = run.stdout.split('\n');
  expect(lines).toContainEqual(expect.stringMatching(/^root@127\.0\.0\.2 +E_HOST/));
  expect(lines).toContainEqual(expect.stringMatching(/^root@127\.0\.0\.1 +patched +2\.6\.18\S+ +1$/));
  expect(await text(guest, guest.modulePath)).toBe(String(guest.content.bytes));

  const undone = await mptfix(['rollback', ...two, '--yes', '--json']);
  expect(undone, undone.stderr).toMatchObject({ status: 3 });
  expect(json(undone).results).toMatchObject([
    { exitStatus: 3 },
    { exitStatus: 0, output: { result: 'rolled-back', generations: [1] } },
  ]);
  expect(guest.all()).toEqual(before);
});

test('what was interrupted there is put back first, by rollback and by apply', {
  timeout: 240_000,
}, async () => {
  const guest = await oldSshGuest();
  const { ssh, bundle } = guest;
  const before = guest.all();
  const interrupt = (): void => {
    const mv = join(guest.root, 'bin/mv');
    renameSync(mv, `${mv}.true`);
    // The module is in its place by then, and the image is not.
    const count = 'echo x >>/work/count; [ $(wc -l </work/count) -lt 4 ] || kill -9 $PPID';
    writeFileSync(mv, `#!/bin/dash\n${count}\nexec /bin/mv.true "$@"\n`, { mode: 0o755 });
    expect(guest.run('apply', '--yes').signal ?? 'ended').not.toBe('ended');
    renameSync(`${mv}.true`, mv);
    rmSync(join(guest.root, 'work/count'));
  };
  const same = (line: string): boolean => !/^(?:work|bin|bin\/mv) /.test(line);
  interrupt();
  expect(guest.all().filter(same)).not.toEqual(before.filter(same));
  const undone = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(undone, undone.stderr).toMatchObject({ status: 0 });
  expect(undone.stderr).toContain('put back what was interrupted');
  expect(json(undone).result).toBe('nothing-to-do');
  expect(guest.all().filter(same)).toEqual(before.filter(same));

  interrupt();
  const applied = await mptfix(['apply', ...ssh.words, '--bundle', bundle, '--yes', '--json']);
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
  expect(json(applied).result).toBe('patched');
  expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
});

test('who is not root there, and what a bundle does not do, is refused with what to type', {
  timeout: 240_000,
}, async () => {
  const guest = await oldSshGuest();
  const { ssh, bundle, root } = guest;
  const before = guest.all();
  const refused = async (words: readonly string[], status: number, code: string, next: string) => {
    const run = await mptfix([...words, '--json']);
    expect([words, run.status, json(run).error.code]).toEqual([words, status, code]);
    expect(json(run).error.next).toContain(next);
    expect(guest.all()).toEqual(before);
  };
  await refused(['apply', '--root', root, '--bundle', bundle, '--yes'], 2, 'E_USAGE', '--host');
  await refused(['apply', ...ssh.words, '--root', root, '--yes'], 2, 'E_USAGE', 'one of them');
  for (const option of ['--no-initramfs', '--boot-entry', '--placement=updates'])
    await refused(['apply', ...ssh.words, option, '--yes'], 2, 'E_USAGE', '--root');
  const bytes = readFileSync(bundle);
  const damaged = join(root, 'damaged.run');
  writeFileSync(damaged, bytes.fill(65, bytes.length - 2000, bytes.length - 1900));
  const { all } = guest;
  before.splice(0, before.length, ...all());
  await refused(['apply', ...ssh.words, '--bundle', damaged, '--yes'], 4, 'E_BUNDLE', 'once more');
  rmSync(join(root, 'bin/id'));
  writeFileSync(join(root, 'bin/id'), '#!/bin/dash\necho 1000\n', { mode: 0o755 });
  before.splice(0, before.length, ...all());
  await refused(['apply', ...ssh.words, '--bundle', bundle, '--yes'], 3, 'E_NOT_ROOT', 'root@127.0.0.1');
  await refused(['rollback', ...ssh.words, '--yes'], 3, 'E_NOT_ROOT', 'root@127.0.0.1');
});
