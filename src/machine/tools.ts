import { failure } from '../errors.ts';
import { installCommand } from './installers.ts';
import type { Target } from './port.ts';
import type { Argv, RunOptions } from './program.ts';

/** A program that a step needs, and the package that brings it on Debian and Ubuntu. */
export interface Tool {
  readonly name: string;
  readonly package: string;
}

/** The typed list of what mptfix calls, beside what every Debian has (coreutils, tar, gzip, dpkg, apt). */
export const TOOLS = {
  make: { name: 'make', package: 'make' },
  gcc: { name: 'gcc', package: 'gcc' },
  strip: { name: 'strip', package: 'binutils' },
  xz: { name: 'xz', package: 'xz-utils' },
  gzip: { name: 'gzip', package: 'gzip' },
  bzip2: { name: 'bzip2', package: 'bzip2' },
  depmod: { name: 'depmod', package: 'kmod' },
  openssl: { name: 'openssl', package: 'openssl' },
  bubblewrap: { name: 'bwrap', package: 'bubblewrap' },
  setpriv: { name: 'setpriv', package: 'util-linux' },
  prlimit: { name: 'prlimit', package: 'util-linux' },
  flock: { name: 'flock', package: 'util-linux' },
  aptGet: { name: 'apt-get', package: 'apt' },
  rpm: { name: 'rpm', package: 'rpm' },
  rpmkeys: { name: 'rpmkeys', package: 'rpm' },
  rpmspec: { name: 'rpmspec', package: 'rpm' },
  rpmbuild: { name: 'rpmbuild', package: 'rpm' },
  bsdtar: { name: 'bsdtar', package: 'libarchive-tools' },
  dnf: { name: 'dnf', package: 'dnf' },
  curl: { name: 'curl', package: 'curl' },
  patch: { name: 'patch', package: 'patch' },
  ssh: { name: 'ssh', package: 'openssh-client' },
  sshKeygen: { name: 'ssh-keygen', package: 'openssh-client' },
  dpkgDeb: { name: 'dpkg-deb', package: 'dpkg' },
} as const satisfies Readonly<Record<string, Tool>>;

/** Those of the tools that the target's `run` would not find. */
export async function missingTools(
  target: Pick<Target, 'findProgram'>,
  tools: readonly Tool[],
): Promise<readonly Tool[]> {
  const paths = await Promise.all(tools.map(({ name }) => target.findProgram(name)));
  return tools.filter((_, index) => paths[index] === undefined);
}

/** Throws E_TOOLS_MISSING with the one command that brings them all. */
export async function requireTools(
  target: Pick<Target, 'findProgram'>,
  tools: readonly Tool[],
): Promise<void> {
  const missing = await missingTools(target, tools);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw failure('E_TOOLS_MISSING', `not installed on this machine: ${names}`, await installCommand(missing));
}

export function packagesOf(tools: readonly Tool[]): readonly string[] {
  return [...new Set(tools.map((tool) => tool.package))];
}

/**
 * Runs a program that changes the guest and must succeed. Throws the error that `problem` returns for the program's
 * message; by default one that also names the command line and its exit status.
 */
export async function mustRun(
  target: Pick<Target, 'run'>,
  argv: Argv,
  { problem, ...options }: Omit<RunOptions, 'effect'> & { readonly problem?: (words: string) => Error } = {},
): Promise<void> {
  const { status, stdout, stderr } = await target.run(argv, { ...options, effect: 'write' });
  if (status === 0) return;
  const words = stderr.trim() || (stdout.toString('utf8').trim().split('\n').at(-1) ?? '');
  throw (
    problem?.(words) ?? new Error(`${argv.join(' ')} ended with status ${status}: ${words.split('\n')[0]}`)
  );
}
