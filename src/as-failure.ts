import { type ErrorCode, type Failure, isFailure } from './errors.ts';
import { typedLineForGuest, typedShell } from './typed.ts';

/** An error of a system call, as Node has it. */
interface SystemError extends Error {
  /** errno's name, such as ENOENT, or one of Node's own. */
  readonly code: string;
  readonly path?: string;
  readonly syscall?: string;
}

/** What a person reads of such an error; `file` is what could not be used. */
interface Reading {
  readonly code: ErrorCode;
  readonly what: (file: string) => string;
  readonly next: (file: string) => string;
}

const SAME_AS_ROOT = 'run the same command as root (sudo)';

const FORBIDDEN: Reading = {
  code: 'E_NOT_ROOT',
  what: (file) => `this user may not use ${file}`,
  next: () => SAME_AS_ROOT,
};

/** What the kernel refuses root, too: root of another machine, a file that is not to be changed. */
const FORBIDDEN_TO_ROOT: Reading = {
  code: 'E_FILE',
  what: (file) => `${file} may not be used, not even by root`,
  next: (file) =>
    `see what forbids it (immutable, a network’s file system, a security module): ${typedShell(['lsattr', '-d', file])}, ${typedShell(['ls', '-ldZ', file])}`,
};

const FULL: Reading = {
  code: 'E_NO_SPACE',
  what: (file) => `there is no space left for ${file}`,
  next: () =>
    `free some (${typedShell(['df', '-h'])} and ${typedShell(['df', '-i'])} show where), then run the same command again`,
};

const TOO_MANY_OPEN: Reading = {
  code: 'E_FILE',
  what: (file) => `${file} cannot be opened: too many files are open`,
  next: () =>
    `raise the limit, as by ${typedShell(['ulimit', '-n', '4096'])}, then run the same command again`,
};

const ANOTHER_PATH = (): string => 'name another file or folder, or put right what is there';
const file = (what: (file: string) => string): Reading => ({ code: 'E_FILE', what, next: ANOTHER_PATH });

/** By errno's name. Source of the meanings: errno(3), and the man page of each call. */
const READINGS: Readonly<Record<string, Reading>> = {
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  ENOENT: file((path) => `there is no ${path}`),
  ENOTDIR: file((path) => `${path} leads through something that is no folder`),
  EISDIR: file((path) => `${path} is a folder, not a file`),
  ELOOP: { ...file((path) => `the links of ${path} lead in a circle`), code: 'E_FILE_UNSAFE' },
  ENAMETOOLONG: file((path) => `${path.slice(0, 80)}… is longer than a name may be`),
  EFBIG: file((path) => `${path} is too large`),
  ERR_FS_FILE_TOO_LARGE: file((path) => `${path} is too large`),
  ENXIO: file((path) => `${path} is a device or socket with nothing behind it`),
  ENODEV: file((path) => `${path} is a device with nothing behind it`),
  EEXIST: file((path) => `${path} is already there`),
  ENOTEMPTY: file((path) => `${path} is not empty`),
  EBUSY: file((path) => `${path} is in use`),
  ETXTBSY: file((path) => `${path} is a program that is running`),
  ESTALE: file((path) => `${path} is on a network’s file system that has lost it: mount that again`),
  EIO: {
    code: 'E_FILE',
    what: (path) => `${path} cannot be read or written: its disk answers with an error`,
    next: () => `see what the kernel says of the disk: ${'`dmesg | tail`'}`,
  },
  EROFS: {
    code: 'E_READ_ONLY',
    what: (path) => `${path} is on a file system that is read-only`,
    next: () => `find out why before you remount it: ${'`dmesg | tail`'}`,
  },
  ENOSPC: FULL,
  EDQUOT: FULL,
  EMFILE: TOO_MANY_OPEN,
  ENFILE: TOO_MANY_OPEN,
};

/** Where a tool of a guest over ssh has said it: its files and its users are not those of this machine. */
const THERE: Readonly<Record<string, Reading>> = {
  ...Object.fromEntries(
    ['EACCES', 'EPERM'].map((code) => [
      code,
      {
        code: 'E_NOT_ROOT',
        what: (path) => `the login on the guest may not use ${path}`,
        next: () => 'log in as root: give --host root@HOST, or --ssh-option User=root',
      } satisfies Reading,
    ]),
  ),
  EIO: {
    code: 'E_FILE',
    what: (path) => `${path} of the guest cannot be read: its disk answers with an error`,
    next: () => `see what its kernel says of the disk: ${typedLineForGuest('dmesg | tail')}`,
  },
};

/** What a person reads of an error, whatever it is: one that nobody foresaw is a defect of mptfix. */
export function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error.failure;
  const reading = isSystemError(error) ? readingOf(error) : undefined;
  if (reading !== undefined) return reading;
  return {
    code: 'E_INTERNAL',
    what: error instanceof Error ? error.message : String(error),
    next: 'this is a bug in mptfix: run it again with --verbose and report what it prints',
  };
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

function readingOf(error: SystemError): Failure | undefined {
  const { code, path, syscall, message } = error;
  if (syscall?.startsWith('spawn') === true)
    return {
      code: 'E_TOOLS_MISSING',
      what: `${path ?? syscall.slice('spawn '.length)} cannot be started: ${message}`,
      next: 'see that it is there and that this user may run it',
    };
  const isRoot = process.geteuid?.() === 0;
  const readings = syscall === 'ssh' && Object.hasOwn(THERE, code) ? THERE : READINGS;
  const known = Object.hasOwn(readings, code) ? readings[code] : undefined;
  const reading = known === FORBIDDEN && isRoot ? FORBIDDEN_TO_ROOT : known;
  if (reading === undefined) {
    if (path === undefined || syscall === undefined) return undefined;
    return { code: 'E_FILE', what: `${path} cannot be used: ${message}`, next: ANOTHER_PATH() };
  }
  const name = path ?? /'([^']+)'/.exec(message)?.[1];
  if (name === undefined) return { code: reading.code, what: message, next: reading.next('.') };
  return { code: reading.code, what: reading.what(name), next: reading.next(name) };
}
