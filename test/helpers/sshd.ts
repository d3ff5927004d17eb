import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a guest of 2003 has, as far as mptfix needs it; no stat, readlink, sha256sum, mktemp or anything that is a language. */
const APPLETS = [
  'sh',
  'ls',
  'cat',
  'dd',
  'sed',
  'grep',
  'df',
  'id',
  'uname',
  'dmesg',
  'echo',
  'printf',
  'test',
  '[',
  'pwd',
  'sleep',
];

export interface SshGuest {
  /** `--host`, and what `--ssh-option` needs to reach it. */
  readonly host: string;
  readonly options: readonly string[];
  /** The same as words of a command line. */
  readonly words: readonly string[];
  /** The tree that a login lands in. */
  readonly tree: string;
  /** Ends the server's process of each connection that is open, as a lost line does. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
}

export interface SshLogin {
  /** What the login's start files do before the command runs: a line of sh, in the machine's own root. */
  readonly login?: string;
  /** Number of the user and group that a login is there; default: root. */
  readonly user?: number;
}

/**
 * An sshd on loopback whose logins land in a tree of their own, with sh, busybox's tools of 2003 and nothing else: no sftp,
 * no scp, no Python, no Node. A tree that is given is used as it is. Programs there have the process of their connection's
 * sshd in SSHD: who kills it cuts the connection.
 */
export async function sshGuest(
  given?: string,
  { login = '', user: uid = 0 }: SshLogin = {},
): Promise<SshGuest> {
  const base = mkdtempSync(join('/var/tmp', 'mptfix-sshd-'));
  const tree = given ?? join(base, 'tree');
  if (given === undefined) eraTree(tree);
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const key = (name: string): string => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(base, name)]);
    return join(base, name);
  };
  const own = key('host');
  const user = key('user');
  writeFileSync(join(base, 'keys'), readFileSync(`${user}.pub`));
  const port = await freePort();
  // As a login's shell would run the command, in the tree.
  const enter = `exec /usr/sbin/chroot --userspec=${uid}:${uid} ${tree} /bin/sh -c "$SSH_ORIGINAL_COMMAND"`;
  writeFileSync(join(base, 'enter'), `#!/bin/sh\ncd /\nexport SSHD=$PPID\n${login}\n${enter}\n`);
  chmodSync(join(base, 'enter'), 0o755);
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${own}`,
    `AuthorizedKeysFile ${join(base, 'keys')}`,
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    `ForceCommand exec ${join(base, 'enter')}`,
  ];
  writeFileSync(join(base, 'config'), `${config.join('\n')}\n`);
  writeFileSync(join(base, 'known'), `[127.0.0.1]:${port} ${readFileSync(`${own}.pub`, 'utf8')}`);
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(base, 'config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  server.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  await untilOpen(port, () => words);
  const options = [
    `Port=${port}`,
    `IdentityFile=${user}`,
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    `UserKnownHostsFile=${join(base, 'known')}`,
    'GlobalKnownHostsFile=/dev/null',
  ];
  return {
    host: 'root@127.0.0.1',
    options,
    words: ['--host', 'root@127.0.0.1', ...options.flatMap((option) => ['--ssh-option', option])],
    tree,
    cut: () => {
      const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim();
      for (const pid of children.split(' ').filter((one) => one !== '')) process.kill(Number(pid), 'SIGKILL');
    },
    close: async () => {
      server.kill('SIGTERM');
      await sleep(50);
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** busybox as all programs, and the libraries that it is linked with. */
function eraTree(tree: string): void {
  for (const folder of ['bin', 'lib', 'etc', 'proc/sys/kernel', 'tmp', 'dev'])
    mkdirSync(join(tree, folder), { recursive: true });
  copyFileSync('/bin/busybox', join(tree, 'bin/busybox'));
  execFileSync('mknod', ['-m', '666', join(tree, 'dev/null'), 'c', '1', '3']);
  let libraries = '';
  try {
    libraries = execFileSync('ldd', ['/bin/busybox']).toString();
  } catch {
    // It is linked statically.
  }
  for (const [path] of libraries.matchAll(/\/[\w./+-]+(?= \()/g)) {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    copyFileSync(path, join(tree, path));
  }
  for (const name of APPLETS)
    if (!existsSync(join(tree, 'bin', name))) symlinkSync('busybox', join(tree, 'bin', name));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilOpen(port: number, words: () => string): Promise<void> {
  for (let round = 0; round < 600; round += 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isOpen) return;
    await sleep(100);
  }
  throw new Error(`sshd did not start: ${words()}`);
}
