import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyPrograms, TOOLS } from '../bundle/old-guest.ts';
import { buildableGuest, RELEASE } from '../helpers/buildable-guest.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { sshGuest } from '../helpers/sshd.ts';
import { sh } from '../machine/temporary.ts';

test('check, plan, apply with a real build, status and rollback over ssh', { timeout: 280_000 }, async () => {
  const base = mkdtempSync('/var/tmp/mptfix-host-');
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  sh('chmod 755 "$1"', base);
  const [root, source] = [join(base, 'guest'), join(base, 'source')];
  buildableGuest(root, source);
  for (const folder of ['bin', 'dev', 'tmp', 'run', 'var/lib', 'proc/sys/kernel'])
    mkdirSync(join(root, folder), { recursive: true });
  copyPrograms(root, [...TOOLS, 'dash', 'sha256sum', 'depmod']);
  sh('cd "$1" && mknod -m 666 dev/null c 1 3 && ln -s dash bin/sh', root);
  const uname = `#!/bin/sh\ncase $1 in -r) echo ${RELEASE} ;; *) echo x86_64 ;; esac\n`;
  writeFileSync(join(root, 'bin/uname'), uname, { mode: 0o755 });
  writeFileSync(join(root, 'proc/sys/kernel/osrelease'), `${RELEASE}\n`);
  writeFileSync(join(root, 'proc/mounts'), '/dev/sda2 / ext3 rw 0 0\n');
  const ssh = await sshGuest(root);
  onTestFinished(() => ssh.close());
  const all = (): string[] =>
    listing(root, { without: ['var/lib/mptfix'] }).filter((line) => !/^(?:| |run |var\/lib )/.test(line));
  const before = all();
  const given = [...ssh.words, '--source', source, '--offline', '--no-cache'];

  const check = await mptfix(['check', ...ssh.words, '--json']);
  expect([check.status, json(check).kernel.release], check.stderr).toEqual([10, RELEASE]);
  const plan = await mptfix(['plan', ...ssh.words, '--source', source, '--offline', '--json']);
  expect(json(plan), plan.stderr).toMatchObject({ needed: true, root: null, target: ssh.host });
  expect(all()).toEqual(before);

  const apply = ['apply', ...given, '--yes', '--json'];
  const applied = await mptfix(apply);
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
  expect(json(applied)).toMatchObject({ result: 'patched', manifest: { generation: 1 } });
  expect(readdirSync(join(root, 'run'))).toEqual([]);
  expect((await mptfix(['check', ...ssh.words])).status).toBe(0);
  const again = await mptfix(apply);
  expect(again, again.stderr).toMatchObject({ status: 0 });
  expect(json(again)).toMatchObject({ result: 'nothing-to-do', plan: { needed: false } });
  const status = json(await mptfix(['status', ...ssh.words, '--json']));
  expect(status).toMatchObject({ state: 'patched', generation: { number: 1 } });

  const undone = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(undone, undone.stderr).toMatchObject({ status: 0 });
  expect(json(undone)).toMatchObject({ result: 'rolled-back', left: [] });
  expect(all()).toEqual(before);

  // What mptfix itself has installed, from the guest's disk.
  const own = await mptfix(['apply', '--root', root, '--source', source, '--offline', '--no-cache', '--yes']);
  expect(own, own.stderr).toMatchObject({ status: 0 });
  const taken = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(taken, taken.stderr).toMatchObject({ status: 0 });
  expect(json(taken)).toMatchObject({ result: 'rolled-back', left: [] });
  expect(all()).toEqual(before);
});
