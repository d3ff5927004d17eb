import { remountCommand } from '../filesystems/remount.ts';
import { readSuperblock } from '../filesystems/storage.ts';
import { readMounts } from '../guest/mounts.ts';
import type { Target } from '../machine/port.ts';
import { recordFile, sameRecord } from '../machine/record.ts';
import { errorsOptionOf } from './fstab-edit.ts';
import { type Change, setFolder } from './sets.ts';

/** How the thing that a change is about stands now. `other`: neither as before nor as we left it. */
export type Standing = 'before' | 'after' | 'other' | 'gone';

interface Handler<C extends Change> {
  readonly standing: (target: Target, change: C) => Promise<Standing>;
  /** Makes it so; `content` is a file's new bytes. */
  readonly make: (target: Target, change: C, content: Uint8Array | undefined) => Promise<void>;
  /** Puts back what was; `set` is the set's number. */
  readonly putBack: (target: Target, change: C, set: number) => Promise<void>;
  /** One line for a person. */
  readonly words: (change: C) => string;
  /** What the running kernel forgets at a reboot: nothing is lost where somebody else set it since. */
  readonly volatile: boolean;
}

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

const LIMIT_MS = 60_000;

const superblock: Handler<Of<'superblock'>> = {
  standing: async (target, change) => {
    const device = await deviceOf(target, change);
    const now = device === undefined ? undefined : await readSuperblock(target, device);
    if (now?.kind !== 'ext' || now.uuid !== change.uuid) return 'gone';
    if (now.errorsPolicy === change.before) return 'before';
    return now.errorsPolicy === change.after ? 'after' : 'other';
  },
  make: async (target, change) => tune(target, change.device, change.after),
  putBack: async (target, change) => {
    const device = await deviceOf(target, change);
    if (device !== undefined) await tune(target, device, change.before);
  },
  words: ({ device, before, after }) => `superblock of ${device}: errors ${before} → ${after}`,
  volatile: false,
};

/** Names of disks change from boot to boot; the file system's own UUID does not. */
async function deviceOf(target: Target, { device, uuid }: Of<'superblock'>): Promise<string | undefined> {
  for (const path of [device, `/dev/disk/by-uuid/${uuid}`]) {
    if ((await target.stat(path).catch(() => undefined)) === undefined) continue;
    if ((await readSuperblock(target, path))?.uuid === uuid) return path;
  }
  return undefined;
}

async function tune(target: Target, device: string, policy: string): Promise<void> {
  await mustRun(target, ['tune2fs', '-e', policy, await target.hostPath(device)]);
}

/** As it is given, and nowhere else: another disk of this machine may have the same UUID, as clones do. */
const image: Handler<Of<'image'>> = {
  standing: async (target, { device, uuid, before, after }) => {
    const now = await readSuperblock(onController(target), device);
    if (now?.kind !== 'ext' || now.uuid !== uuid) return 'gone';
    if (now.errorsPolicy === before) return 'before';
    return now.errorsPolicy === after ? 'after' : 'other';
  },
  make: async (target, { device, after }) => mustRun(target, ['tune2fs', '-e', after, device]),
  putBack: async (target, { device, before }) => mustRun(target, ['tune2fs', '-e', before, device]),
  words: ({ device, before, after }) => `superblock of ${device}: errors ${before} → ${after}`,
  volatile: false,
};

/** A tree's programs run on the controller; only the paths differ. */
function onController(target: Target): Pick<Target, 'run' | 'hostPath'> {
  return { run: target.run, hostPath: async (path) => path };
}

const file: Handler<Of<'file'>> = {
  standing: async (target, { path, before, after }) => {
    const now = await recordFile(target, path);
    if (sameRecord(now, before ?? undefined)) return 'before';
    if (now?.sha256 === after) return 'after';
    return 'other';
  },
  make: async (target, { path, before, mode }, content) => {
    if (content === undefined) throw new Error(`no content for ${path}`);
    const owner = before === null ? { uid: 0, gid: 0 } : { uid: before.uid, gid: before.gid };
    // Who may not give files away owns what they write.
    const mine = process.geteuid?.() === 0 ? owner : {};
    await target.write(path, content, { mode, ...mine });
  },
  putBack: async (target, { path, before, backup }, set) => {
    if (before === null || backup === null) await target.remove(path);
    else await target.copy(`${setFolder(set)}/${backup}`, path);
  },
  words: ({ path, what, before }) => `${path}: ${before === null ? 'new' : 'edited'}, ${what}`,
  volatile: false,
};

const folder: Handler<Of<'folder'>> = {
  standing: async (target, { path }) => ((await target.stat(path)) === undefined ? 'before' : 'after'),
  make: async (target, { path }) => target.mkdir(path, 0o755),
  putBack: async (target, { path }) => {
    // Somebody else may use it by now.
    if ((await target.list(path)).length === 0) await target.removeTree(path);
  },
  words: ({ path }) => `${path}: new folder`,
  volatile: false,
};

const link: Handler<Of<'link'>> = {
  standing: async (target, { path, target: text }) => {
    if ((await target.lstat(path)) === undefined) return 'before';
    return (await target.readLink(path)) === text ? 'after' : 'other';
  },
  make: async (target, { path, target: text }) => target.link(path, text),
  putBack: async (target, { path }) => target.remove(path),
  words: ({ path, target: text }) => `${path}: new link to ${text}`,
  volatile: false,
};

const mountOption: Handler<Of<'mount-option'>> = {
  standing: async (target, change) => {
    const now = await effectiveErrors(target, change);
    if (now === undefined) return 'gone';
    if (now === change.before) return 'before';
    return now === change.after ? 'after' : 'other';
  },
  make: async (target, change) => remountWith(target, change, change.after),
  putBack: async (target, change) => remountWith(target, change, change.before),
  words: ({ mountPoint, before, after }) =>
    `${mountPoint}, as it is mounted now: errors ${before} → ${after}`,
  volatile: true,
};

/** The option that the kernel shows; it shows none where the superblock says the same. */
async function effectiveErrors(target: Target, change: Of<'mount-option'>): Promise<string | undefined> {
  const mount = await mountAt(target, change.mountPoint);
  if (mount === undefined) return undefined;
  const shown = errorsOptionOf(mount.superOptions);
  if (shown !== undefined) return shown === 'continue' || shown === 'panic' ? shown : 'remount-ro';
  const now = await readSuperblock(target, change.device);
  return now?.kind === 'ext' ? now.errorsPolicy : undefined;
}

async function remountWith(target: Target, change: Of<'mount-option'>, policy: string): Promise<void> {
  const mount = await mountAt(target, change.mountPoint);
  if (mount === undefined) throw new Error(`nothing is mounted at ${change.mountPoint} any more`);
  const access = mount.superOptions.includes('ro') ? 'ro' : 'rw';
  await mustRun(target, remountCommand(mount, change.device, [access, `errors=${policy}`]));
}

async function mountAt(target: Target, mountPoint: string) {
  return (await readMounts(target)).findLast((mount) => mount.mountPoint === mountPoint);
}

const sysfs: Handler<Of<'sysfs'>> = {
  standing: async (target, { path, before, after }) => {
    const now = (await target.readText(path))?.trim();
    if (now === undefined) return 'gone';
    if (now === before) return 'before';
    return now === after ? 'after' : 'other';
  },
  make: async (target, { path, after }) => writeSysfs(target, path, after),
  putBack: async (target, { path, before }) => writeSysfs(target, path, before),
  words: ({ path, before, after }) => `${path}: ${before} → ${after}`,
  volatile: true,
};

/** In place: sysfs knows no rename. */
async function writeSysfs(target: Target, path: string, value: string): Promise<void> {
  const argv = ['dd', `of=${await target.hostPath(path)}`] as const;
  const { status, stderr } = await target.run(argv, {
    effect: 'write',
    input: `${value}\n`,
    timeoutMs: LIMIT_MS,
  });
  if (status !== 0) throw new Error(`${path} does not take ${value}: ${stderr.split('\n')[0] ?? ''}`);
}

async function mustRun(target: Target, argv: readonly [string, ...string[]]): Promise<void> {
  const { status, stderr, stdout } = await target.run(argv, { effect: 'write', timeoutMs: LIMIT_MS });
  if (status === 0) return;
  const said = stderr.trim().split('\n')[0] || stdout.toString('utf8').trim().split('\n').at(-1);
  throw new Error(`${argv.join(' ')} ended with ${status}: ${said ?? ''}`);
}

const HANDLERS = {
  superblock,
  image,
  file,
  folder,
  link,
  'mount-option': mountOption,
  sysfs,
} as const satisfies { readonly [K in Change['kind']]: Handler<Of<K>> };

/** The handler of a change; the table above pairs each kind with its own. */
export function handlerOf(change: Change): Handler<Change> {
  return HANDLERS[change.kind] as unknown as Handler<Change>;
}

export function wordsOf(change: Change): string {
  return handlerOf(change).words(change);
}

/** The same for its undo: the way back. */
export function undoWordsOf(change: Change): string {
  if (change.kind === 'folder' || change.kind === 'link') return `${change.path}: removed`;
  if (change.kind === 'file') return `${change.path}: ${change.before === null ? 'removed' : 'as it was'}`;
  return wordsOf({ ...change, before: change.after, after: change.before } as Change);
}
