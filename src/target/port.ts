/**
 * The port to a machine. Every effect on a guest passes here, and says whether it reads or writes; a target that
 * was opened for a dry run refuses each write, whoever asks.
 *
 * Paths are absolute and are the guest's own: `/lib/modules` on a guest's tree at /mnt/guest is `/lib/modules`.
 * Symbolic links are followed as the guest would follow them, so that none leads out of its tree.
 */
export interface Target extends TargetReads, TargetWrites {
  readonly kind: 'local' | 'root';
  /** For messages: "this machine", or the tree's path. */
  readonly name: string;
  readonly dryRun: boolean;
  /** The path of a guest's file as the controller's own tools must name it, all symbolic links resolved. */
  hostPath(path: string): Promise<string>;
}

export interface TargetReads {
  /** A whole file; ENOENT and the like surface as Node's errors. */
  read(path: string): Promise<Buffer>;
  readText(path: string): Promise<string>;
  /** Follows symbolic links; undefined where there is nothing. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Does not follow the last link; undefined where there is nothing. */
  lstat(path: string): Promise<FileStat | undefined>;
  /** Names in a folder, sorted; empty where there is no such folder. */
  list(path: string): Promise<readonly string[]>;
  /** True where this process may create files in the folder (permission and a writable mount). */
  writable(path: string): Promise<boolean>;
  /** Runs a program. `effect` says whether it may change the guest. */
  run(argv: readonly [string, ...string[]], options: RunOptions): Promise<RunResult>;
}

export interface TargetWrites {
  /** Writes through a temporary file, fsync and rename in the same folder, so that a reader sees the old or the new. */
  write(path: string, content: Uint8Array, attributes?: FileAttributes): Promise<void>;
  mkdir(path: string, mode: number): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes a folder if it is empty; false where it was not. */
  removeEmpty(path: string): Promise<boolean>;
  /** Sets times of a file or folder back to what they were. Seconds since the epoch, with a fraction. */
  setTimes(path: string, atime: number, mtime: number): Promise<void>;
  append(path: string, line: string): Promise<void>;
}

export interface FileStat {
  readonly type: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch, with a fraction. */
  readonly mtime: number;
  readonly atime: number;
}

export interface FileAttributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
}

export interface RunOptions {
  readonly effect: 'read' | 'write';
  readonly cwd?: string;
  /** The whole environment is `PATH`, `LC_ALL=C` and these: nothing of the caller's leaks into a build. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array | string;
  /** Numeric ids to run as, when this process is root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly timeoutMs?: number;
  /** Ends the program and everything that it started. */
  readonly signal?: AbortSignal;
  /** Each line of stdout and stderr as it comes, for progress. */
  readonly onLine?: (line: string) => void;
  /** Bytes of stdout kept; more is an error. Default 64 MiB. */
  readonly maxOutput?: number;
}

export interface RunResult {
  /** Exit status; 127 where the program could not be started, 128+n for signal n. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}
