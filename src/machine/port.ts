/**
 * The target of a command: this machine, or a guest's tree (`--root`). The command line calls the options that choose
 * it "target options". This is the port to it: every effect on a guest passes here, marked as a read or a write, and a
 * target that was opened for a dry run refuses each write.
 *
 * Paths are absolute and are the guest's own: `/lib/modules` on a guest's tree at /mnt/guest is `/lib/modules`.
 * Symbolic links are followed as the guest follows them, so that none leads out of its tree.
 */
export interface Target extends TargetReads, TargetWrites {
  /** `local`: this machine. `root`: a guest's tree. */
  readonly kind: 'local' | 'root';
  /** For messages: "this machine", or the tree's path. */
  readonly name: string;
  readonly dryRun: boolean;
}

export interface TargetReads {
  /** The guest's own path with all symbolic links resolved. What does not exist is the rest of the path as it is. */
  realPath(path: string): Promise<string>;
  /** The path of a guest's file for this machine's own tools, with all symbolic links resolved. */
  hostPath(path: string): Promise<string>;
  // What reads a file takes a limit in bytes, of LIMITS. It throws E_FILE_UNSAFE, without waiting, where a device, a FIFO,
  // a socket, a folder, links in a circle or a larger file has the place of that file.
  /** A whole file; throws Node's errors, such as ENOENT. */
  read(path: string, limit: number): Promise<Buffer>;
  /** The first `length` bytes from `offset`; fewer where the file ends. On this machine also of a block device. */
  readRange(path: string, offset: number, length: number): Promise<Buffer>;
  /** A file in pieces, from `start` (bytes); a piece is valid until the next one is requested. */
  readChunks(path: string, limit: number, start?: number): AsyncIterable<Buffer>;
  /** A whole text file; undefined where there is none or it cannot be read. */
  readText(path: string, limit: number): Promise<string | undefined>;
  /** The text of a symbolic link; undefined where it is none. */
  readLink(path: string): Promise<string | undefined>;
  /** Opens a file, device or pipe of this machine to read what is there, without waiting for more; E_FILE_UNSAFE in a tree. */
  openStream(path: string): Promise<ReadStream>;
  /** SHA-256 of a file's content, in hex. */
  hash(path: string, limit: number): Promise<string>;
  /** Follows symbolic links; undefined where there is nothing. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Does not follow the last link; undefined where there is nothing. */
  lstat(path: string): Promise<FileStat | undefined>;
  /** Names in a folder, sorted; empty where there is no such folder. Throws E_FILE_UNSAFE for more than LIMITS.folderEntries. */
  list(path: string): Promise<readonly string[]>;
  /**
   * Everything below a folder, at any depth: each folder before what is in it, by name; links are told, not followed. An
   * entry is valid until the next one is requested. Throws E_FILE_UNSAFE for what is no file, folder or link, and where
   * there is more than the bounds allow; Node's errors.
   */
  walk(path: string, bounds: WalkBounds): AsyncIterable<WalkedEntry>;
  /** Whether this process may create files in the folder, and if not, why. */
  writable(path: string): Promise<'yes' | 'read-only' | 'denied' | 'missing'>;
  /** Throws E_TREE_IN_USE where the first write would: processes run in the tree. */
  requireUnused(): Promise<void>;
  /** Where a program that is run with `sees: 'guest'` has the guest's root: `/` of this machine, /guest for a tree. */
  readonly toolRoot: string;
  /** Runs a program on the machine that holds the files. `effect` says whether it may change the guest. */
  run(argv: Argv, options: RunOptions): Promise<RunResult>;
  /** Where `run` would find a program; undefined where it is not installed. */
  findProgram(name: string): Promise<string | undefined>;
  /** Where `run` with `inside` would find a program, as the guest's own path; undefined where the guest has none. */
  findInside(name: string): Promise<string | undefined>;
  /** Takes the kernel-held lock of a folder; undefined where another process holds it. Writes nothing. */
  lock(path: string): Promise<Lock | undefined>;
  /** Whether a run holds that lock, as far as this process can see, which another container hides. Takes nothing. */
  isLocked(path: string): Promise<boolean>;
  /** Bytes that this user may still write to the file system of the nearest folder that exists. */
  freeSpace(path: string): Promise<number>;
}

export interface TargetWrites {
  /** Writes through a temporary file, fsync and rename in the same folder: a reader sees the old or the new. */
  write(path: string, content: Uint8Array | string, attributes?: FileAttributes): Promise<void>;
  /** Copies a file with mode, owner, times to the nanosecond and extended attributes, as `write` does. */
  copy(from: string, to: string): Promise<void>;
  /** Gives a file the mode, owner, extended attributes and security context of another; its times stay its own. */
  copyAttributes(from: string, to: string): Promise<void>;
  /** Adds to the end of a file and waits until the disk has it. */
  append(path: string, text: string): Promise<void>;
  /** Writes a text to a device such as /dev/kmsg in one write(2). */
  emit(path: string, text: string): Promise<void>;
  /** Creates a file that must not exist yet, with all its content at once; false where the name is taken. */
  create(path: string, content: string): Promise<boolean>;
  /** Creates one folder; fails where the parent is missing, does nothing where the folder exists. */
  mkdir(path: string, mode: number): Promise<void>;
  /** Creates a symbolic link, replacing what has the name. */
  link(path: string, target: string): Promise<void>;
  /**
   * Gives a file a second name, replacing what has that name. False, with nothing changed, where that is impossible: on
   * another file system, or on one without hard links.
   */
  hardLink(from: string, to: string): Promise<boolean>;
  /** Moves a name within its file system, replacing what has the new one. Follows neither name. */
  rename(from: string, to: string): Promise<void>;
  /** Waits until the disk has a file that a program has written, and its name. */
  sync(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes a folder and all that is in it. */
  removeTree(path: string): Promise<void>;
  /** Sets a file's or folder's modification time, to the nanosecond, as `FileStat.mtime` has it. */
  setMtime(path: string, mtime: string): Promise<void>;
}

export interface ReadStream {
  /**
   * What one read(2) returns, at most 8 KiB; of /dev/kmsg one record. Valid until the next read. Undefined: nothing more
   * at present.
   */
  read(): Buffer | undefined;
  close(): void;
}

/** How much a walk reads at most. */
export interface WalkBounds {
  readonly entries: number;
  /** Of all files together. */
  readonly bytes: number;
  /** Folders within folders. */
  readonly depth: number;
}

/** What a walk finds, with its path below the folder where it began, such as `include/linux/fs.h`. */
export type WalkedEntry =
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | { readonly type: 'link'; readonly path: string; readonly text: string }
  | {
      readonly type: 'file';
      readonly path: string;
      readonly mode: number;
      /** In pieces, each valid until the next one is requested. */
      readonly content: () => Iterable<Buffer>;
    };

export type Argv = readonly [string, ...string[]];

export interface FileStat {
  readonly type: 'file' | 'directory' | 'link' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch with nine decimals: a double would lose the last digits. */
  readonly mtime: string;
  /** Of a block or character device: its own `major:minor`. */
  readonly rdev?: string;
}

export interface FileAttributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** A file whose mode, owner, extended attributes and security context the new one gets, instead of the others here. */
  readonly like?: string;
}

export interface RunOptions {
  /** A program that writes dies with this process, however that ends: no orphan writes after the next run's undo. */
  readonly effect: 'read' | 'write';
  /**
   * It continues when this process dies: an interrupted package manager leaves more damage than one that finishes, and a
   * program that only asks a daemon to act leaves nothing itself.
   */
  readonly mayOutlive?: boolean;
  /**
   * This machine's program in a sandbox (bubblewrap): it sees this machine's /usr read-only, what is listed, and
   * nothing else: no network, no other process. Throws E_TOOLS_MISSING without bubblewrap, E_SANDBOX where it may not
   * make namespaces.
   */
  readonly sandbox?: Sandbox;
  /**
   * This machine's program works on the guest's files, by their names below `toolRoot`. For a tree it runs in a sandbox, so
   * that no link of the tree leads to anything of this machine: the tree is all it sees beside programs and libraries,
   * read-only with `effect: 'read'`. Throws as `sandbox` does.
   */
  readonly sees?: 'guest';
  /**
   * The program is the guest's own and sees only the guest: on this machine it simply runs; for a tree it runs in a
   * sandbox (bubblewrap) whose root is the tree, with a /proc and /dev of its own, no network, and few capabilities. It
   * may write to its work folder alone. Only for writes: a command that reads runs no program of a tree.
   * Takes neither `cwd` nor `user`. Throws E_NOT_ROOT; E_TOOLS_MISSING where guest or machine lack a program for it;
   * E_SANDBOX; E_ARCH_UNSUPPORTED where the guest's programs do not run here.
   */
  readonly inside?: Inside;
  readonly cwd?: string;
  /** The whole environment is PATH, LC_ALL=C and these: nothing of the caller's leaks into a build. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array | string;
  /** Standard input stays open and empty until this settles: a program that reads it waits until then. */
  readonly inputEnds?: Promise<unknown> | undefined;
  /** A file of the target that becomes the program's standard input, opened by this process. */
  readonly stdinFile?: string;
  /** How many bytes at the start of that file are skipped. */
  readonly stdinOffset?: number;
  /** Numeric ids to run as, when this process is root. */
  readonly user?: UserIds | undefined;
  readonly timeoutMs?: number;
  /** Ends the program and everything that it started. */
  readonly signal?: AbortSignal | undefined;
  /** Each line of stdout and stderr as it comes, for progress. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Takes stdout instead of `RunResult.stdout`; returns false when it has seen enough, which ends the program. */
  readonly onChunk?: (chunk: Buffer) => boolean | Promise<boolean>;
}

export interface Inside {
  /** A folder of the guest. In a tree the program sees it as /tmp, and nothing else there can be written. */
  readonly work: string;
}

/** What a program in a sandbox sees beside this machine's programs and libraries, and how much it may take. */
export interface Sandbox {
  /** Shown read-only. */
  readonly readOnly: readonly Bind[];
  /** Shown as they are: what the program writes there is written. */
  readonly writable: readonly Bind[];
  /** Where this process is root: whether the program reads and writes there also what other users have closed to it. */
  readonly reachesAll?: boolean;
  /** Whether it may reach the network; no by default. */
  readonly network?: boolean;
  readonly limits?: ResourceLimits;
  /** A tree whose programs the sandbox has instead of this machine's. Without a `user` only where this process is not root. */
  readonly programs?: ProgramTree | undefined;
}

/** A tree as a sandbox's root: of it what holds programs and libraries is seen, read-only, and of this machine nothing. */
export interface ProgramTree {
  /** A folder of this machine, without a symbolic link in its path. */
  readonly root: string;
  /** Its programs are for i386: to them the machine calls itself i686, so that they build for what they are. */
  readonly is32Bit: boolean;
}

/** A file or folder of this machine (`from`, absolute), and the place where the sandbox has it. */
export interface Bind {
  readonly from: string;
  readonly to: string;
}

/** As setrlimit(2) has them. */
export interface ResourceLimits {
  /** Bytes of address space of each process. */
  readonly memoryBytes?: number;
  /** Bytes of the largest file. */
  readonly fileBytes?: number;
  /** Processes of the user. */
  readonly processes?: number;
}

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

export interface RunResult {
  /** Exit status; 127 where the program could not be started, 128+n for signal n. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Lock {
  release(): Promise<void>;
}
