import type { Argv, RunOptions, RunResult } from './program.ts';

/**
 * The target of a command: this machine, or a guest's tree (`--root`). The command line calls the options that choose
 * it "target options". This is the port to it: every effect on a guest passes here, marked as a read or a write, and a
 * target that was opened for a dry run refuses each write.
 *
 * Paths are absolute and are the guest's own: `/lib/modules` on a guest's tree at /mnt/guest is `/lib/modules`.
 * Symbolic links are followed as the guest follows them, so that none leads out of its tree.
 */
export interface Target extends TargetReads, TargetWrites {
  /** `local`: this machine. `root`: a guest's tree. `host`: a running guest that ssh reaches. */
  readonly kind: 'local' | 'root' | 'host';
  /** For messages: "this machine", the tree's path, or `[USER@]HOST`. */
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
  /**
   * What will be asked for soon. Of a guest that is far away, where each answer has to be waited for, all of it is asked for
   * at once; what is not here costs nothing by this.
   */
  readonly foresee?: (soon: Foreseen) => void;
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

export interface Foreseen {
  /** Whole files, each with the most that is read of it. */
  readonly texts?: readonly { readonly path: string; readonly limit: number }[];
  /** Folders whose names are listed. */
  readonly names?: readonly string[];
  /** By `stat` and `lstat`. */
  readonly statuses?: readonly string[];
  /** By `realPath` and `hostPath`. */
  readonly places?: readonly string[];
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
  | {
      readonly type: 'directory';
      readonly path: string;
      readonly mode: number;
      readonly owner: number;
      /** When something in it last got or lost its name, as st_ctime in ms; undefined where it is not told. */
      readonly changed?: number;
    }
  | { readonly type: 'link'; readonly path: string; readonly text: string }
  | {
      readonly type: 'file';
      readonly path: string;
      readonly mode: number;
      readonly owner: number;
      /** In pieces, each valid until the next one is requested. */
      readonly content: () => Iterable<Buffer>;
    };

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

export interface Lock {
  release(): Promise<void>;
}
