import type { Headers } from '../kernel-source/headers.ts';
import type { Compiled, Files } from './compile.ts';
import type { StepContext } from './job.ts';
import type { CompilerAnswer } from './toolchain/prove-compiler.ts';
import type { Toolchain } from './toolchain/toolchain.ts';

/** Both builds: what is installed, and what proves that source, headers and compiler are the right ones. */
export interface Builds {
  readonly patched: Compiled;
  readonly unchanged: Compiled;
  /** What the compiler said of itself, where only the build could ask it. */
  readonly compiler?: ReportedCompiler;
}

/** A compiler's own words, and the SHA-256 of its program; null where there was nothing to compute it. */
export interface ReportedCompiler {
  readonly answer: CompilerAnswer;
  readonly sha256: string | null;
}

/** What builds need of headers. They may be begun while these are still being read: then the digest comes later. */
export type ShownHeaders = Pick<Headers, 'folder' | 'binds' | 'ready' | 'version' | 'config'> & {
  readonly digest: Headers['digest'] | Promise<Headers['digest']>;
};

/** Builds that may have been begun before their sources are there. */
export interface RunningBuilds {
  /** Gives the driver as the kernel's own build had it. */
  unchanged(files: Files): void;
  /** Gives the corrected driver; undefined where there is nothing to correct: then the unchanged one is the result. */
  patched(files: Files | undefined): void;
  /** Waits for both; throws what went wrong with the first that failed. */
  result(): Promise<Builds>;
  /** Ends both, and waits until no compiler runs any more: none may outlive the work folder. */
  stop(): Promise<void>;
}

/** Runs a step that needs the builds: where it fails, no compiler outlives it, since the work folder is removed then. */
export async function stoppingOnFailure<T>(
  running: Pick<RunningBuilds, 'stop'> | undefined,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    await running?.stop();
    throw error;
  }
}

/** A step's context, with the toolchain opened. */
export type Building = Omit<StepContext, 'toolchain'> & {
  readonly toolchain: Toolchain;
  /** Where the same is built once more in another way: what its folders' names begin with. */
  readonly named?: string;
};

/** Of a build that must have been started by then. */
export function started(compiling: Promise<Compiled> | undefined): Promise<Compiled> {
  return compiling ?? Promise.reject(new Error('its files were never given'));
}

/** Whoever waits for the result hears of a failure; until then nobody may. */
export function heardLater<T>(result: Promise<T>): Promise<T> {
  result.catch(() => {});
  return result;
}
