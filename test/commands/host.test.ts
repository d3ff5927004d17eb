import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { release as ownRelease } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildableGuest, RELEASE } from '../helpers/buildable-guest.ts';
import { json, mptfix, type Run } from '../helpers/cli.ts';
import { type SshGuest, sshGuest } from '../helpers/sshd.ts';
import { sh } from '../machine/temporary.ts';

let guest: SshGuest;
let work: string;
let source: string;
const OSRELEASE = 'proc/sys/kernel/osrelease';

beforeAll(async () => {
  guest = await sshGuest();
  work = mkdtempSync('/var/tmp/mptfix-host-');
  source = join(work, 'source');
  mkdirSync(source);
  mkdirSync(join(work, 'tmp'));
  buildableGuest(guest.tree, source);
  put(OSRELEASE, `${RELEASE}\n`);
  put('proc/self/mountinfo', '27 1 8:1 / / rw,relatime - ext3 /dev/sda1 rw\n');
  put('proc/mounts', '/dev/sda1 / ext3 rw 0 0\n');
  put('proc/locks', '');
  put('sbin/depmod', '#!/bin/sh\n');
  chmodSync(join(guest.tree, 'sbin/depmod'), 0o755);
});
afterAll(async () => {
  await guest.close();
  rmSync(work, { recursive: true, force: true });
});

function put(path: string, text: string): void {
  mkdirSync(join(guest.tree, path, '..'), { recursive: true });
  writeFileSync(join(guest.tree, path), text);
}

/** Runs a command on the guest, and holds that neither it nor this machine has changed. */
async function onHost(words: readonly string[], target: readonly string[] = guest.words): Promise<Run> {
  const state = (): string => sh('cd "$1"; find . -printf "%p %m %s %T@ %C@\\n" | sort', guest.tree);
  const before = state();
  const run = await mptfix([...words, ...target], { env: { TMPDIR: join(work, 'tmp') } });
  expect(state()).toBe(before);
  expect(readdirSync(join(work, 'tmp'))).toEqual([]);
  return run;
}

describe('a guest without Node, Python and sftp', () => {
  test('is checked as its tree would be', async () => {
    const run = await onHost(['check', '--json']);
    const asTree = await mptfix(['check', '--root', guest.tree, '--json']);
    expect([run.status, json(run).verdict, json(run).kernel.release]).toEqual([10, 'affected', RELEASE]);
    const { next, ...rest } = json(run);
    const { next: treeNext, ...tree } = json(asTree);
    expect(rest).toEqual(tree);
    expect(next).toContain(`plan --host ${guest.host} --ssh-option Port=`);
    expect(treeNext).toContain(`plan --root ${guest.tree}`);
  });

  test('is planned for as its tree would be', async () => {
    const words = ['plan', '--source', source, '--offline', '--json'];
    const run = await onHost(words);
    const asTree = await mptfix([...words, '--root', guest.tree]);
    expect([run.status, run.stderr]).toEqual([0, '']);
    const { target, root, ...rest } = json(run);
    const { target: _, root: __, ...tree } = json(asTree);
    expect([target, root]).toEqual([guest.host, null]);
    // Only a running guest has a running kernel.
    expect(rest.warnings).toEqual(['the running kernel keeps the old driver until the next reboot']);
    expect({ ...rest, warnings: [] }).toEqual(tree);
  });

  test('and one of several is a row', async () => {
    const run = await onHost(['check', '--host', 'root@nowhere.invalid']);
    expect(run.status).toBe(10);
    expect(run.stdout).toMatch(/^root@127\.0\.0\.1 +AFFECTED/m);
    expect(run.stdout).toMatch(/^root@nowhere\.invalid +E_HOST/m);
  });
});

describe('nothing of this machine stands in for what the guest does not tell:', () => {
  test('its kernel', async () => {
    renameSync(join(guest.tree, OSRELEASE), join(work, 'osrelease'));
    renameSync(join(guest.tree, 'lib/modules'), join(work, 'modules'));
    try {
      for (const command of ['check', 'plan']) {
        const run = await onHost([command, '--json']);
        expect([run.status, json(run).error.code]).toEqual([3, 'E_KERNEL_UNKNOWN']);
        expect(run.stdout).not.toContain(ownRelease());
      }
    } finally {
      renameSync(join(work, 'osrelease'), join(guest.tree, OSRELEASE));
      renameSync(join(work, 'modules'), join(guest.tree, 'lib/modules'));
    }
  });

  test('the guest, where it is not reached', async () => {
    const run = await onHost(['check', '--json'], ['--host', 'root@127.0.0.1', '--ssh-option', 'Port=1']);
    expect([run.status, json(run).error.code]).toEqual([3, 'E_HOST']);
    expect(json(run).error.what).toContain('refused');
  });
});

describe('what means harm reaches no shell:', () => {
  test.each(['$(touch /hit)', '`touch /hit`', "';touch /hit;'", '-x', '../../etc', '6.1\n;touch /hit'])(
    'the release %j',
    async (release) => {
      put(OSRELEASE, `${release}\n`);
      try {
        const run = await onHost(['check', '--json']);
        expect(run.status).toBe(3);
        expect(existsSync(join(guest.tree, 'hit'))).toBe(false);
        expect(existsSync('/hit')).toBe(false);
      } finally {
        put(OSRELEASE, `${RELEASE}\n`);
      }
    },
  );

  test.each([
    '-oProxyCommand=touch /tmp/mptfix-hit',
    'a b',
    'a\nb',
    '$(touch /tmp/mptfix-hit)',
    '\u001b[2Ja',
  ])('the host %j', async (host) => {
    const run = await onHost(['check', '--json', `--host=${host}`], []);
    expect([run.status, json(run).error.code]).toEqual([2, 'E_USAGE']);
    expect(existsSync('/tmp/mptfix-hit')).toBe(false);
  });

  test('an option of ssh without a host, and two kinds of guest, are errors of the command line', async () => {
    for (const words of [
      ['check', '--ssh-option', 'Port=1'],
      ['plan', '--ssh-option', 'Port=1'],
      ['plan', '--root', '/', '--host', 'a'],
      ['plan', '--host', 'a', '--ssh-option', '-p 1'],
    ])
      expect((await mptfix(words)).status).toBe(2);
  });
});
