import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { proveInitramfs } from '../../src/initramfs/module.ts';
import { LIMITS } from '../../src/limits.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { buildBench } from '../helpers/build.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { type SshGuest, sshGuest } from '../helpers/sshd.ts';
import { type AffectedGuest, affectedGuest } from './affected.ts';

const fixture = inject('fixture');
const debian = inject('debian');
const { headers } = buildBench(fixture);
const { release } = fixture;

let guest: AffectedGuest;
let ssh: SshGuest;
let before: string[];
const all = (): string[] =>
  listing(guest.root, { without: ['var/lib/mptfix'] }).filter(
    (line) => !/^(?:| |run |var\/lib |var\/tmp |tmp )/.test(line),
  );

beforeAll(async () => {
  guest = await affectedGuest(debian.initramfsTools, fixture);
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(guest.root, path, '..'), { recursive: true });
    writeFileSync(join(guest.root, path), text, { mode });
  };
  // The kernel that runs is this machine's: the guest says that its own does.
  put('proc/sys/kernel/osrelease', `${release}\n`);
  put(
    'usr/local/sbin/uname',
    `#!/bin/sh\ncase $1 in -r) echo ${release} ;; *) exec /bin/uname "$@" ;; esac\n`,
    0o755,
  );
  if (!existsSync(join(guest.root, 'dev/null')))
    execFileSync('mknod', ['-m', '666', join(guest.root, 'dev/null'), 'c', '1', '3']);
  ssh = await sshGuest(guest.root);
  before = all();
});
afterAll(async () => {
  await ssh.close();
  guest.dispose();
});

test('check, apply, status and rollback of a Debian over ssh, with a real build', async () => {
  const check = await mptfix(['check', ...ssh.words, '--json']);
  expect(check, check.stderr).toMatchObject({ status: 10 });
  expect(json(check).kernel.release).toBe(release);

  const building = ['--source', fixture.source, '--headers', headers()];
  const plan = await mptfix(['plan', ...ssh.words, ...building, '--json']);
  expect(json(plan)).toMatchObject({ needed: true, root: null, target: ssh.host });
  expect(all()).toEqual(before);

  const apply = ['apply', ...ssh.words, ...building, '--yes', '--json'];
  const applied = await mptfix(apply);
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
  const { result, manifest } = json(applied);
  expect([result, manifest.generation, manifest.images.length]).toEqual(['patched', 1, 1]);
  const target = rootTarget(guest.root, { dryRun: true });
  const file = await target.read(guest.modulePath, LIMITS.moduleBytes);
  expect(await proveInitramfs(target, guest.image, { release, name: 'mptscsih', file })).toMatchObject({
    ok: true,
  });
  expect(readdirSync(join(guest.root, 'run')).filter((name) => name.startsWith('mptfix-'))).toEqual([]);

  const again = await mptfix(apply);
  expect(again, again.stderr).toMatchObject({ status: 0 });
  expect(json(again)).toMatchObject({ result: 'nothing-to-do', plan: { needed: false } });
  expect((await mptfix(['check', ...ssh.words])).status).toBe(0);
  expect(json(await mptfix(['status', ...ssh.words, '--json']))).toMatchObject({
    state: 'patched',
    generation: { number: 1 },
    images: [{ path: guest.image, holds: 'same' }],
  });

  const undone = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(undone, undone.stderr).toMatchObject({ status: 0 });
  expect(json(undone)).toMatchObject({ result: 'rolled-back', left: [] });
  expect(all()).toEqual(before);
});

test('what mptfix itself installed in the tree is rolled back over ssh', async () => {
  const building = ['--source', fixture.source, '--headers', headers()];
  const applied = await mptfix(['apply', '--root', guest.root, ...building, '--yes', '--json']);
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
  const undone = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(undone, undone.stderr).toMatchObject({ status: 0 });
  expect(all()).toEqual(before);
});
