import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostAddress } from '../../src/machine/ssh/address.ts';
import { hostTarget } from '../../src/machine/ssh/target.ts';
import { json, mptfix, type Run } from '../helpers/cli.ts';
import { type OldSshGuest, oldSshGuest } from '../helpers/old-ssh-guest.ts';

/** What each of these would do where a shell read it: a file `hit`, in the folder that it is in. */
const HOSTILE = [
  '$(touch hit)',
  '$(>hit)',
  '`touch hit`',
  ';touch hit;',
  '| touch hit',
  '&touch hit&',
  '\ntouch hit\n',
  "'; touch hit; '",
  '"; touch hit; "',
  '\'"$(touch hit)',
  '\\$(touch hit)',
  '-rf',
  '*',
  '\u001b]0;title\u0007\u001b[2Jx',
  '\u009b2J',
];

/** A terminal takes these for commands. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

function hostileFolder(): string {
  const folder = mkdtempSync('/var/tmp/mptfix-hostile-');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function requireUnhit(run: Run, folders: readonly string[]): void {
  for (const folder of folders) expect(existsSync(join(folder, 'hit')), folder).toBe(false);
  expect(`${run.stdout}${run.stderr}`).not.toMatch(CONTROL);
  expect(`${run.status} ${run.stderr}`).not.toMatch(/^1 |E_INTERNAL|E_DRY_RUN/);
}

const anywhereIn = ({ root }: OldSshGuest): readonly string[] =>
  ['', 'boot', 'lib/modules', 'var/lib', 'var/run', 'tmp', 'work'].map((path) => join(root, path));

test('no host and no user like that reaches a shell, nor ssh', async () => {
  const cwd = hostileFolder();
  const names = HOSTILE.flatMap((word) => [word, `root@${word}`, `${word}@db1`]);
  for (const name of names) expect(() => hostAddress(name), name).toThrow('no host');
  for (const verb of ['apply', 'rollback'])
    for (const name of [
      '-oProxyCommand=touch hit',
      'root@$(touch hit)',
      '`touch hit`@db1',
      '\u001b[2J;touch hit',
    ]) {
      // Of several names one is enough: nothing is begun with the others.
      const words = [verb, '--host', '127.0.0.1', '--host', name, '--ssh-option', 'Port=1', '--yes'];
      const run = await mptfix(words, { cwd });
      expect([name, run.status, run.stderr.includes('E_USAGE')]).toEqual([name, 2, true]);
      requireUnhit(run, [cwd]);
    }
}, 120_000);

test('what is taken for a host is nothing to the shell of a ProxyCommand', async () => {
  const cwd = hostileFolder();
  for (const name of ['a%h', 'a..b', '::1', '[fe80::1%eth0]', 'x+y@h', 'a@b@c', '_x', 'a-']) {
    const target = hostTarget(name, [`ProxyCommand=cd ${cwd}; echo %h %r >>said; false`, 'BatchMode=yes'], {
      dryRun: true,
    });
    await expect(target.readText('/etc/fstab', 100)).rejects.toMatchObject({
      failure: { code: expect.stringMatching(/^E_HOST$/) },
    });
  }
  expect(readdirSync(cwd).filter((name) => name !== 'said')).toEqual([]);
}, 120_000);

test('no release that the guest says reaches a shell, here or there', async () => {
  const guest = await oldSshGuest();
  const cwd = hostileFolder();
  const before = guest.all();
  for (const word of [...HOSTILE.map((one) => `2.6.18${one}`), '../../../tmp', '/etc', '', 'a b', '$IFS']) {
    writeFileSync(join(guest.root, 'release'), word);
    writeFileSync(join(guest.root, 'proc/sys/kernel/osrelease'), `${word}\n`);
    const uname = '#!/bin/dash\ncase $1 in -r) cat /release; echo ;; *) echo i686 ;; esac\n';
    writeFileSync(join(guest.root, 'bin/uname'), uname, { mode: 0o755 });
    const run = await mptfix(['apply', ...guest.ssh.words, '--bundle', guest.bundle, '--yes'], { cwd });
    expect([word, run.status === 0]).toEqual([word, false]);
    requireUnhit(run, [cwd, ...anywhereIn(guest)]);
  }
  const same = (line: string): boolean =>
    !/^(?:release|bin|bin\/uname|proc|) /.test(`${line.split(' ')[0]} `);
  expect(guest.all().filter(same)).toEqual(before.filter(same));
}, 300_000);

test('no name of a file reaches a shell, here or there', async () => {
  const guest = await oldSshGuest();
  const { root, era, ssh, bundle } = guest;
  const cwd = hostileFolder();
  const put = (path: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), 'x');
  };
  for (const [at, word] of HOSTILE.entries()) {
    put(`lib/modules/${word}/modules.dep`);
    put(`lib/modules/2.6.18${word}/kernel/drivers/message/fusion/mptscsih.ko`);
    put(`lib/modules/${era.release}/kernel/drivers/message/fusion/${word}.ko`);
    put(`lib/modules/${era.release}/${word}/mptbase${at}.ko`);
    for (const name of ['vmlinuz-', 'initrd-', 'initrd.img-', `initrd-${era.release}`, 'config-'])
      put(`boot/${name}${word}`);
    put(`boot/${word}.img`);
    put(`var/lib/mptfix-${word}/x`);
    put(`etc/${word}`);
  }
  const before = guest.all();
  const run = async (...words: string[]): Promise<Run> => {
    const done = await mptfix([...words, ...ssh.words], { cwd });
    requireUnhit(done, [cwd, ...anywhereIn(guest)]);
    return done;
  };
  await run('check', '--all-kernels');
  await run('plan', '--offline', '--json');
  await run('status');
  const applied = await run('apply', '--bundle', bundle, '--yes', '--json');
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
  const undone = await run('rollback', '--yes', '--json');
  expect(undone, undone.stderr).toMatchObject({ status: 0 });
  expect(guest.all()).toEqual(before);
}, 240_000);

test('what a guest answers in the place of the bundle is words, and none that a terminal acts on', async () => {
  const guest = await oldSshGuest();
  const { root, ssh, bundle } = guest;
  const sh = join(root, 'bin/sh');
  const say = (text: string, status: number): void => {
    writeFileSync(join(root, 'answer'), text);
    rmSync(sh);
    const answer = `cat /answer; printf 'a warning \\033[2J\\n' >&2; exit ${status}`;
    writeFileSync(sh, `#!/bin/dash\ncase $1 in */bundle.run) ${answer} ;; esac\nexec /bin/dash "$@"\n`, {
      mode: 0o755,
    });
  };
  const given = ['apply', ...ssh.words, '--bundle', bundle, '--yes', '--json'];
  const error = (more: object): string =>
    JSON.stringify({ error: { code: 'E_INSTALL', what: 'w\u001b[2J\u202e', next: 'n\n\u0007', ...more } });
  for (const [text, code] of [
    [error({}), 'E_INSTALL'],
    [error({ code: 'E_NOTHING' }), 'E_HOST_LOST'],
    [error({ code: 'toString' }), 'E_HOST_LOST'],
    [error({ what: 5 }), 'E_HOST_LOST'],
    ['{"result":"installed","detail":"\\u001b[2J"}', 'E_STATE_UNSAFE'],
    ['{"result":{}}', 'E_HOST_LOST'],
    ['null', 'E_HOST_LOST'],
    ['\u001b[2J', 'E_HOST_LOST'],
    ['', 'E_HOST_LOST'],
    ['x'.repeat(5_000_000), 'E_HOST_LOST'],
  ] as const) {
    say(text, 0);
    const run = await mptfix(given);
    requireUnhit(run, [root]);
    expect([text.slice(0, 80), json(run).error.code]).toEqual([text.slice(0, 80), code]);
  }
  expect(readFileSync(join(root, guest.modulePath), 'utf8')).toContain('old module');
}, 240_000);
