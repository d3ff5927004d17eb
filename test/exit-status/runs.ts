import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { signedBundle } from '../bundle/signed-bundle.ts';
import { ERA_24 } from '../driver/source/eras.ts';
import { HEADERS, MODULE, RELEASE } from '../helpers/buildable-guest.ts';
import { mptfix, type RunSettings } from '../helpers/cli.ts';
import { hungFolder } from '../helpers/hung-folder.ts';
import { onTerminal } from '../helpers/terminal.ts';
import { sh } from '../machine/temporary.ts';

/** An affected guest's tree of its own, with its source beside it. */
export interface Place {
  readonly root: string;
  readonly source: string;
  /** An empty folder. */
  readonly work: string;
  put(path: string, text: string | Uint8Array): void;
}

/** Brings the situation about and runs the command in it; answers the exit status. */
type Situation = (at: Place) => Promise<number>;

const DRIVER = 'drivers/message/fusion/mptscsih.c';

const run = async (args: readonly string[], settings?: RunSettings): Promise<number> =>
  (await mptfix(args, settings)).status;
const given = ({ root, source }: Place): readonly string[] => [
  '--root',
  root,
  '--source',
  source,
  '--offline',
];
const apply = (at: Place, ...more: readonly string[]): Promise<number> =>
  run(['apply', ...given(at), '--yes', '--no-cache', ...more]);
const loseModule = ({ root }: Place): void => {
  rmSync(join(root, MODULE));
  sh('depmod -b "$1" "$2" 2>/dev/null', root, RELEASE);
};
const removeDriver = (at: Place): void => {
  loseModule(at);
  at.put(`boot/config-${RELEASE}`, '# CONFIG_FUSION is not set\n');
};
const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(path, change(readFileSync(path, 'latin1')), 'latin1');
const withoutBranch = ({ source }: Place): void =>
  edit(join(source, DRIVER), (text) => text.replaceAll('MPI_SCSI_STATUS_BUSY', 'MPI_SCSI_STATUS_SUCCESS'));
/** An archive that ends too soon; answers its path. */
const cutArchive = ({ source, work }: Place): string => {
  sh('tar -C "$1" -cz . | head -c 2000 > "$2/linux.tar.gz"', source, work);
  return join(work, 'linux.tar.gz');
};
/** A guest without a depmod, whose index would have to be made anew. */
const loseIndex = ({ root }: Place): void => {
  sh('rm "$1/lib/modules/$2"/modules.*', root, RELEASE);
};
const otherHeaders = ({ put }: Place): void =>
  put(`${HEADERS}/include/generated/utsrelease.h`, '#define UTS_RELEASE "6.1.9-2-amd64"\n');

/** Nothing listens there. */
const UNREACHED = ['--host', '127.0.0.1', '--ssh-option', 'Port=1', '--ssh-option', 'BatchMode=yes'];

/** A file is as it is, whoever writes, until the test has ended. */
function immutable(path: string): void {
  sh('chattr +i "$1"', path);
  onTestFinished(() => void (existsSync(path) && sh('chattr -i "$1"', path)));
}

/** A signal while it waits for a file system that hangs. */
const stopped =
  (name: string, ...words: readonly string[]): Situation =>
  async () => {
    const folder = await hungFolder();
    const prefix = ['sh', '-c', `(sleep 2; kill -${name} $$) & exec "$@"`, 'sh'];
    const program = [...prefix, process.execPath, 'bin/mptfix.cjs'];
    return (await onTerminal([...words, '--root', folder], { program })).status;
  };

/** A mount table for the watch, and what else it looks at. */
const MOUNTS = (options: string): string => `27 1 8:1 / / rw,relatime - ext4 /dev/sda1 ${options}\n`;
const mounted =
  (options: string, more: Readonly<Record<string, string>> = {}) =>
  ({ put }: Place): void => {
    put('proc/self/mountinfo', MOUNTS(options));
    put('proc/partitions', 'major minor  #blocks  name\n\n   8 0 1048576 sda\n   8 1 1048576 sda1\n');
    for (const [path, text] of Object.entries(more)) put(path, text);
  };
const well = mounted('rw,errors=remount-ro');
const readOnly = mounted('ro,errors=remount-ro');
const flagged = mounted('rw,errors=continue', {
  'proc/stat': 'cpu 1 2 3\nbtime 1700000000\n',
  'proc/uptime': '5000.00 4000.00\n',
  'proc/fs/ext4/sda1/options': 'rw\nerrors=continue\n',
  'sys/fs/ext4/sda1/errors_count': '1\n',
  'sys/fs/ext4/sda1/last_error_time': '1700001000\n',
});
const watchOnce = ({ root }: Place, ...more: readonly string[]): Promise<number> =>
  run(['watch', 'once', '--root', root, ...more]);

const FAILURE = [
  'Nov 14 22:13:20 guest kernel: [ 1000.0] mptscsih: ioc0: attempting task abort! (sc=00000000)',
  'Nov 14 22:13:20 guest kernel: [ 1000.1] sd 0:0:0:0: [sda] SCSI error: return code = 0x00020008',
  'Nov 14 22:13:20 guest kernel: [ 1000.2] end_request: I/O error, dev sda, sector 266352',
  '',
].join('\n');
const QUIET = 'Nov 14 22:13:20 guest kernel: [    0.0] Linux version 6.1.0-9-amd64 (gcc-12)\n';
const log = (
  { root, put }: Place,
  text: string | Uint8Array,
  ...more: readonly string[]
): Promise<number> => {
  put('log', text);
  return run(['diagnose', join(root, 'log'), ...more]);
};

/** A run for each row of docs/exit-status.md, by its command and its situation. */
export const RUNS: Readonly<Record<string, Readonly<Record<string, Situation>>>> = {
  any: {
    '`--help`, `--version`, `help COMMAND`': async () =>
      Math.max(
        await run(['check', '--help']),
        await run(['--version']),
        await run(['help', 'watch', 'once']),
      ),
    'an unknown command or option, or a value that makes no sense': () => run(['check', '--rot', '/x']),
    'the `--root` folder is not there': () => run(['status', '--root', '/nowhere']),
    'stdout cannot be written, as on a full disk': ({ root }) =>
      run(['status', '--root', root], { prefix: ['sh', '-c', 'exec "$@" > /dev/full', 'sh'] }),
    'stopped by SIGHUP': stopped('HUP', 'check'),
    'stopped by SIGINT (Ctrl-C)': stopped('INT', 'status'),
    'stopped by SIGTERM': stopped('TERM', 'harden'),
  },
  check: {
    'the driver has the branch: affected': ({ root }) => run(['check', '--root', root]),
    'the driver is fixed': async (at) => {
      await apply(at);
      return run(['check', '--root', at.root]);
    },
    'the driver never had the branch': ({ root, put }) => {
      put('mptscsih.c', ERA_24);
      return run(['check', '--source', join(root, 'mptscsih.c')]);
    },
    'the kernel has no such driver': (at) => {
      removeDriver(at);
      return run(['check', '--root', at.root]);
    },
    'nothing tells: unknown': (at) => {
      loseModule(at);
      return run(['check', '--root', at.root]);
    },
    'the file given with `--module` is no module': ({ root, put }) => {
      put('mptscsih.ko', 'no module\n');
      return run(['check', '--module', join(root, 'mptscsih.ko')]);
    },
    'the guest does not have the kernel that `--kernel` names': ({ root }) =>
      run(['check', '--root', root, '--kernel', '2.6.18-8.el5']),
    'the guest has several kernels, and neither `--kernel` nor `--all-kernels` is given': ({ root, put }) => {
      put('lib/modules/5.10.0-1-amd64/modules.dep', '');
      return run(['check', '--root', root]);
    },
    'the `--source` holds two drivers': ({ source, work }) => {
      for (const tree of ['linux-6.1.8', 'linux-6.1.9'])
        cpSync(source, join(work, tree), { recursive: true });
      return run(['check', '--source', work]);
    },
    'all kernels of a guest, one of them unknown and none affected': (at) => {
      removeDriver(at);
      at.put('lib/modules/5.10.0-1-amd64/kernel/fs/ext4/ext4.ko', 'x');
      return run(['check', '--root', at.root, '--all-kernels']);
    },
    'several guests, one of them affected': async (at) => {
      cpSync(at.root, join(at.work, 'other'), { recursive: true });
      await apply(at);
      return run(['check', '--root', at.root, '--root', join(at.work, 'other')]);
    },
    'several guests, one of which cannot be looked at, and none affected': async (at) => {
      await apply(at);
      return run(['check', '--root', at.root, '--root', '/nowhere']);
    },
  },
  plan: {
    'affected: the steps are listed': (at) => run(['plan', ...given(at)]),
    'fixed already, or no such driver: nothing to do': (at) => {
      removeDriver(at);
      return run(['plan', ...given(at)]);
    },
    'no module was found, and nothing tells whether the driver is built in': (at) => {
      loseModule(at);
      return run(['plan', ...given(at)]);
    },
    'whatever `apply` would refuse, such as an initramfs that no tool rebuilds': (at) => {
      sh('cd "$1"; find "$2" | cpio -oHnewc --quiet > "boot/initrd-$3.img"', at.root, MODULE, RELEASE);
      return run(['plan', ...given(at)]);
    },
    'the `--source` is not there': ({ root }) => run(['plan', '--root', root, '--source', '/nowhere']),
    'the module index must be made anew, and nothing can do that for this guest': (at) => {
      loseIndex(at);
      return run(['plan', ...given(at)]);
    },
    'the archive is cut short': (at) => run(['plan', '--root', at.root, '--source', cutArchive(at)]),
    'the source does not have the branch': (at) => {
      withoutBranch(at);
      return run(['plan', ...given(at)]);
    },
    'the headers are another kernel’s': (at) => {
      otherHeaders(at);
      return run(['plan', ...given(at)]);
    },
  },
  apply: {
    '`--host` is no name that mptfix hands to ssh': () => run(['apply', '--host', '-oProxyCommand=id']),
    'ssh does not reach the `--host`': () => run(['apply', ...UNREACHED, '--yes']),
    'the `--bundle` is no bundle, or damaged': ({ root }) =>
      run(['apply', ...UNREACHED, '--bundle', join(root, 'etc/os-release'), '--yes']),
    patched: (at) => apply(at),
    'fixed already, or no such driver: nothing to do': async (at) => {
      await apply(at);
      return apply(at);
    },
    '`--dry-run` of what can be done': (at) => run(['apply', ...given(at), '--dry-run']),
    'nobody at the terminal to confirm it': (at) => run(['apply', ...given(at)]),
    'you answered no': async (at) =>
      (await onTerminal(['apply', ...given(at)], { keys: [['[y/N] ', 'n\n']] })).status,
    'not as root': (at) => asUser(at),
    'the guest is no longer as `--plan` says': async (at) => {
      const plan = await mptfix(['plan', ...given(at), '--json']);
      writeFileSync(join(at.work, 'plan.json'), plan.stdout);
      await apply(at);
      return run(['apply', '--plan', join(at.work, 'plan.json'), '--yes']);
    },
    'the module index must be made anew, and nothing can do that for this guest': (at) => {
      loseIndex(at);
      return apply(at);
    },
    'the `--toolchain` is not there': (at) => apply(at, '--toolchain', '/nowhere'),
    'nothing can be fetched from the `--mirror`': ({ root }) =>
      run(['apply', '--root', root, '--mirror', 'http://127.0.0.1:9/debian', '--yes']),
    'the archive is cut short': (at) => apply({ ...at, source: cutArchive(at) }),
    'the source does not have the branch': (at) => {
      withoutBranch(at);
      return apply(at);
    },
    'the compiler or make failed': (at) => {
      edit(join(at.source, DRIVER), (text) => `#include "does_not_exist.h"\n${text}`);
      return apply(at);
    },
    'a proof failed, such as: the unchanged source does not give the guest’s module': (at) => {
      edit(join(at.source, DRIVER), (text) => `${text}\nint another(int x) { return x * 7; }\n`);
      return apply(at);
    },
    'writing to the guest failed, and everything was put back': (at) => {
      immutable(join(at.root, MODULE));
      return apply(at);
    },
    'another run works on the guest': (at) =>
      run(['apply', ...given(at), '--yes'], { prefix: ['flock', join(at.root, 'lib/modules')] }),
  },
  build: {
    built: (at) => run(['build', ...given(at), '--no-cache', '--output', join(at.work, 'out')]),
    'the kernel has no such driver': (at) => {
      removeDriver(at);
      return run(['build', ...given(at), '--output', join(at.work, 'out')]);
    },
    'the `--output` folder cannot be written': (at) =>
      run(['build', ...given(at), '--output', '/dev/null/x']),
    'the key of `--sign-bundle` cannot sign': (at) =>
      run(['build', ...given(at), '--output', join(at.work, 'out'), '--sign-bundle', at.work]),
  },
  verify: {
    'whole, and signed by one of the `--signers`': async ({ work }) => {
      const { bundle, signers } = await signedBundle(work);
      return run(['verify', bundle, '--signers', signers]);
    },
    'whole, but not signed, or nobody vouches for the key': async ({ work }) => {
      const { bundle, signature } = await signedBundle(work);
      const vouched = await run(['verify', bundle]);
      rmSync(signature);
      return Math.min(vouched, await run(['verify', bundle]));
    },
    'there is no such file': ({ work }) => run(['verify', join(work, 'bundle.run')]),
    'damaged, cut short, or no bundle': async ({ work }) => {
      const { bundle, signers } = await signedBundle(work);
      writeFileSync(bundle, readFileSync(bundle).subarray(0, -512));
      return run(['verify', bundle, '--signers', signers]);
    },
    'the signature is not one of this bundle, or by none of the `--signers`': async ({ work }) => {
      const { bundle, signers } = await signedBundle(work);
      writeFileSync(signers, '');
      return run(['verify', bundle, '--signers', signers]);
    },
  },
  status: {
    'whatever it reports, also an interrupted run': ({ root }) => run(['status', '--root', root]),
    'no module was found, and nothing tells whether the driver is built in': (at) => {
      loseModule(at);
      return run(['status', '--root', at.root]);
    },
    'the guest does not have the kernel that `--kernel` names': ({ root }) =>
      run(['status', '--root', root, '--kernel', '2.6.18-8.el5']),
    'several guests, one of which cannot be looked at': ({ root }) =>
      run(['status', '--root', root, '--root', '/nowhere']),
    'ssh does not reach the `--host`': () => run(['status', ...UNREACHED]),
    '`--prune` with `--host`': () => run(['status', ...UNREACHED, '--prune', '--yes']),
  },
  rollback: {
    'ssh does not reach the `--host`, nor another one': () =>
      run(['rollback', ...UNREACHED, '--host', '127.0.0.2', '--yes']),
    'put back': async (at) => {
      await apply(at);
      return run(['rollback', '--root', at.root, '--yes']);
    },
    'nothing is installed: nothing to put back': ({ root }) => run(['rollback', '--root', root, '--yes']),
    'there is no such generation': async (at) => {
      await apply(at);
      return run(['rollback', '--root', at.root, '--to', '7', '--yes']);
    },
    'somebody else has changed the module since': async (at) => {
      await apply(at);
      at.put(MODULE, 'another\n');
      return run(['rollback', '--root', at.root, '--yes']);
    },
    'not everything could be put back': async (at) => {
      await apply(at);
      immutable(join(at.root, MODULE));
      return run(['rollback', '--root', at.root, '--yes']);
    },
  },
  'watch once': {
    'all file systems are well': (at) => {
      well(at);
      return watchOnce(at);
    },
    'errors on record, and every file system can be written': (at) => {
      flagged(at);
      return watchOnce(at);
    },
    'a file system cannot be written': (at) => {
      readOnly(at);
      return watchOnce(at);
    },
    'there is no mount table': (at) => watchOnce(at),
    'the configuration has mistakes, and all file systems are well': (at) => {
      well(at);
      writeFileSync(join(at.work, 'c.json'), '{"watch":{"two":1}}', { mode: 0o600 });
      return watchOnce(at, '--config', join(at.work, 'c.json'));
    },
    'what is given to `--to` is no address': (at) => watchOnce(at, '--to', 'a b'),
  },
  'watch once --nagios': {
    OK: (at) => {
      well(at);
      return watchOnce(at, '--nagios');
    },
    'WARNING: errors on record': (at) => {
      flagged(at);
      return watchOnce(at, '--nagios');
    },
    'CRITICAL: a file system cannot be written': (at) => {
      readOnly(at);
      return watchOnce(at, '--nagios');
    },
    'UNKNOWN: no mount table, or wrong usage': async (at) =>
      Math.min(await watchOnce(at, '--nagios'), await watchOnce(at, '--nagios', '--nothing')),
  },
  'watch follow': {
    'stopped by SIGTERM': async (at) => {
      well(at);
      const args = ['watch', 'follow', '--json', '--root', at.root];
      return (await onTerminal(args, { signal: ['mptfix.', 'SIGTERM'] })).status;
    },
    'nobody reads its output any more, and it has nobody to mail': (at) => {
      well(at);
      const script = '{ "$@"; echo $? >&3; } 3>"$0" | true; exit "$(cat "$0")"';
      const prefix = ['sh', '-c', script, join(at.work, 'status')];
      return run(['watch', 'follow', '--root', at.root], { prefix });
    },
  },
  'watch install': {
    installed: ({ root, put }) => {
      scheduler(put);
      return run(['watch', 'install', '--root', root, '--to', 'root', '--yes']);
    },
    'nobody is named to be notified': ({ root, put }) => {
      scheduler(put);
      return run(['watch', 'install', '--root', root, '--yes']);
    },
    'the guest has neither systemd nor cron, or no Node': ({ root }) =>
      run(['watch', 'install', '--root', root, '--to', 'root', '--yes']),
  },
  'watch uninstall': {
    'removed, or not there': ({ root }) => run(['watch', 'uninstall', '--root', root, '--yes']),
  },
  'watch test-mail': {
    'no channel took the message': ({ root, work }) => {
      const config = { watch: { to: ['root'], sendmail: '/bin/false', kernelLog: false } };
      writeFileSync(join(work, 'c.json'), JSON.stringify(config), { mode: 0o600 });
      return run(['watch', 'test-mail', '--root', root, '--config', join(work, 'c.json')]);
    },
  },
  recover: {
    'ssh does not reach the `--host`': () => run(['recover', ...UNREACHED]),
    '`--apply` with `--host`': () => run(['recover', ...UNREACHED, '--apply', '--yes']),
    'nothing to recover, or the steps are listed': (at) => {
      readOnly(at);
      return run(['recover', '--root', at.root]);
    },
    'no file system is mounted there': (at) => {
      well(at);
      return run(['recover', '/nowhere', '--root', at.root]);
    },
    '`--apply` for a tree': ({ root }) => run(['recover', '--root', root, '--apply', '--yes']),
  },
  harden: {
    'ssh does not reach the `--host`': () => run(['harden', ...UNREACHED]),
    '`--apply` or `--undo` with `--host`': async () =>
      run(['harden', ...UNREACHED, '--apply', 'timeout=180', '--yes']),
    'shown, set, undone, or nothing to do': async (at) => {
      at.put('etc/udev/rules.d/.keep', '');
      const of = (...more: readonly string[]) => run(['harden', '--root', at.root, ...more]);
      return Math.max(
        await of(),
        await of('--apply', 'errors=continue', '--yes'),
        await of('--apply', 'errors=continue', '--yes'),
        await of('--undo', '--yes'),
      );
    },
    'an unknown setting': ({ root }) => run(['harden', '--root', root, '--apply', 'error=panic', '--yes']),
    'no file system is mounted on the `--mount-point`': ({ root }) =>
      run(['harden', '--root', root, '--mount-point', '/nope', '--apply', 'errors=panic', '--yes']),
  },
  diagnose: {
    'ssh does not reach the `--host`': () => run(['diagnose', ...UNREACHED]),
    'path failures were found, whatever the cause': (at) => log(at, FAILURE),
    'the logs were read and show no failure': (at) => log(at, QUIET),
    'cannot tell: nothing of a kernel was recognised': (at) => log(at, 'nothing of a kernel\n'),
    'no log can be read': ({ root }) => run(['diagnose', join(root, 'nowhere')]),
    'a file is not text': (at) => log(at, Buffer.from([...Array(4096).keys()].map((byte) => byte % 7))),
    '`--since` is after `--until`': (at) =>
      log(at, FAILURE, '--since', '2026-02-01', '--until', '2026-01-01'),
  },
  demo: {
    'stopped by SIGTERM, and nothing is left': async ({ work }) =>
      (await onTerminal(['demo', '--work', work], { signal: ['Fetch the newest kernel', 'SIGTERM'] })).status,
    'the `--work` folder is not there': () => run(['demo', '--work', '/nowhere']),
  },
};

/** One that Node and cron could run in. */
function scheduler(put: Place['put']): void {
  put('etc/cron.d/other', '# another’s\n');
  put('usr/bin/node', '');
  put('usr/local/lib/node_modules/mptfix/bin/mptfix.cjs', '');
  put('usr/local/lib/node_modules/mptfix/package.json', readFileSync('package.json'));
}

/** The checkout may be in a folder that only root can enter. */
function asUser(at: Place): Promise<number> {
  for (const name of ['bin', 'dist', 'patches', 'package.json'])
    cpSync(name, join(at.work, 'mptfix', name), { recursive: true });
  sh('chmod -R a+rX "$1"', dirname(at.root));
  const bin = join(at.work, 'mptfix/bin/mptfix.cjs');
  return run(['apply', ...given(at), '--yes'], { uid: 65534, gid: 65534, bin });
}

/** A copy of guest and source for one run. */
export function placeIn(base: string): Place {
  const folder = mkdtempSync(join(base, 'case-'));
  sh('chmod 755 "$1"', folder);
  for (const name of ['guest', 'source']) cpSync(join(base, name), join(folder, name), { recursive: true });
  mkdirSync(join(folder, 'work'));
  const root = join(folder, 'guest');
  return {
    root,
    source: join(folder, 'source'),
    work: join(folder, 'work'),
    put: (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
  };
}
