/*
 * How a program is run on a target: what `run` of the port takes, and what it answers.
 */

export type Argv = readonly [string, ...string[]];

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
  /** Standard input in pieces as they come; it stays open until there are no more, and ends where this throws. */
  readonly inputComes?: AsyncIterable<string> | undefined;
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
