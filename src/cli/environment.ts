import { lstat, readlink } from 'node:fs/promises';
import { foreignPlace, type OwnerReads } from '../owned.ts';

/** Where programs are found: nothing that the caller put before these folders counts. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Rule = (value: string) => boolean | Promise<boolean>;

/**
 * What is kept of the caller's environment, each with what is let through. Everything else goes, for this process and for
 * every child: LD_*, NODE_*, MAKEFLAGS, KBUILD_*, GIT_*, BASH_ENV, PERL5LIB, IFS, the locale and whatever is invented next.
 */
const KEPT: Readonly<Record<string, Rule>> = {
  // How this process draws.
  TERM: (value) => /^[\w.+-]{1,64}$/.test(value),
  COLUMNS: isNumber,
  LINES: isNumber,
  NO_COLOR: () => true,
  FORCE_COLOR: isNumber,
  // In which zone it writes times; a path would be read.
  TZ: (value) => /^[A-Za-z][\w+-]*(?:\/[A-Za-z][\w+-]*){0,2}$/.test(value),
  // sudo may leave those of another user, who could write what root believes.
  HOME: isOwnFolder,
  XDG_CACHE_HOME: isOwnFolder,
  // For --toolchain image:NAME: where podman and buildah without root keep their state, and how buildah runs a program.
  XDG_RUNTIME_DIR: isOwnFolder,
  BUILDAH_ISOLATION: (value) => /^(?:oci|rootless|chroot)$/.test(value),
};

/**
 * Leaves of this process's environment what is known and harmless, before anything uses it. What Node itself and the
 * dynamic linker read when they start (NODE_OPTIONS, LD_PRELOAD) has had its effect by then.
 */
export async function cleanEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  for (const [name, value = ''] of Object.entries(env)) {
    const rule = Object.hasOwn(KEPT, name) ? KEPT[name] : undefined;
    if (rule === undefined || !(await rule(value))) delete env[name];
  }
  env.PATH = PATH;
}

function isNumber(value: string): boolean {
  return /^\d{1,4}$/.test(value);
}

const reads: OwnerReads = {
  lstat: async (path) => {
    const status = await lstat(path).catch(() => undefined);
    if (status === undefined) return undefined;
    const { mode, uid, gid } = status;
    const isLink = status.isSymbolicLink();
    const type = isLink ? 'link' : status.isDirectory() ? 'directory' : status.isFile() ? 'file' : 'other';
    return { type, mode: mode & 0o7777, uid, gid };
  },
  readLink: (path) => readlink(path).catch(() => undefined),
};

/** One that is not there yet will be this user's, where nobody else can make it first. */
async function isOwnFolder(path: string): Promise<boolean> {
  const owners = [0, process.geteuid?.() ?? 0];
  return path.startsWith('/') && (await foreignPlace(reads, path, owners)) === undefined;
}
