import { EM_X86_64, readElf } from '../elf/elf.ts';
import { failure } from '../errors.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { Progress } from '../progress.ts';
import { noCache } from '../work/cache.ts';
import type { Workspace } from '../work/workspace.ts';
import { compileCached, surroundings } from './cached.ts';
import type { Compiled, CompileOptions } from './compile.ts';
import { kernelCompiler } from './compiler.ts';
import type { Job, Making } from './job.ts';
import type { Files } from './lay-out.ts';

/** Both builds: what is installed, and what proves that source, headers and compiler are the right ones. */
export interface Builds {
  readonly patched: Compiled;
  readonly unchanged: Compiled;
}

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

/**
 * Compiles the patched and the unchanged driver side by side, in the same way. `ahead`: the source will take a while;
 * make is started at once and does meanwhile what it can.
 */
export function startBuilds(
  job: Job,
  making: Making,
  headers: Headers,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
  ahead: boolean,
): RunningBuilds {
  const stopper = new AbortController();
  const around =
    making.cache === noCache || making.wholeTree
      ? Promise.resolve(undefined)
      : surroundings(workspace, headers, compilerName(headers, making));
  const build = (label: 'patched' | 'unchanged', files: CompileOptions['files']): Promise<Compiled> => {
    const compiling = compileCached(
      {
        workspace,
        headers,
        files,
        module: job.module.name,
        label,
        // A tree of its own does not know the distro's name for it.
        makeVars: [...(making.wholeTree ? [`KERNELRELEASE=${job.kernel.release}`] : []), ...making.makeVars],
        progress,
        signal: AbortSignal.any([signal, stopper.signal]),
      },
      making.cache,
      around,
    );
    // Whoever waits for the result hears of it; until then nobody may.
    compiling.catch(() => {});
    return compiling;
  };
  const unchanged = lateBuild((files) => build('unchanged', files), ahead);
  // Where the guest's module has no branch, there is probably nothing to correct.
  const patched = lateBuild((files) => build('patched', files), ahead && job.expectBranch);
  return {
    unchanged: unchanged.give,
    patched: (files) => (files === undefined ? patched.replace(unchanged.compiled()) : patched.give(files)),
    result: async () => {
      const settled = await Promise.allSettled([patched.compiled(), unchanged.compiled()]);
      const [first, second] = settled.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
      if (first === undefined || second === undefined) throw new Error('two builds were started');
      return { patched: first, unchanged: second };
    },
    stop: async () => {
      stopper.abort();
      await Promise.all([patched.stop(), unchanged.stop()]);
    },
  };
}

/** Of a build that must have been started by then. */
export function laterResult(compiling: Promise<Compiled> | undefined): Promise<Compiled> {
  return compiling ?? Promise.reject(new Error('its files were never given'));
}

interface LateBuild {
  give(files: Files): void;
  replace(compiled: Promise<Compiled>): void;
  compiled(): Promise<Compiled>;
  stop(): Promise<void>;
}

/** One build whose files come later; with `ahead` it is started before. */
function lateBuild(build: (files: CompileOptions['files']) => Promise<Compiled>, ahead: boolean): LateBuild {
  const coming = Promise.withResolvers<Files>();
  coming.promise.catch(() => {});
  let compiling = ahead ? build(coming.promise) : undefined;
  return {
    give: (files) => {
      if (compiling === undefined) compiling = build(files);
      else coming.resolve(files);
    },
    replace: (other) => {
      coming.reject(new Error('the build is not needed'));
      compiling = Promise.allSettled([compiling]).then(() => other);
    },
    compiled: () => laterResult(compiling),
    stop: async () => {
      coming.reject(new Error('the build was stopped'));
      await Promise.allSettled([compiling]);
    },
  };
}

/** Who names the compiler with CC= answers for it. */
export function compilerTools(headers: Headers, making: Making): ReturnType<typeof kernelCompiler>[] {
  const compiler = kernelCompiler(headers.config);
  return compilerName(headers, making) === compiler.name ? [compiler] : [];
}

/** What make is to call. */
export function compilerName(headers: Headers, { makeVars }: Making): string {
  const named = makeVars.findLast((word) => word.startsWith('CC='));
  return named === undefined ? kernelCompiler(headers.config).name : named.slice('CC='.length);
}

/** Machines whose modules this one's compiler makes without being told how. */
const NATIVE: Readonly<Record<string, number>> = { x64: EM_X86_64 };

/** Throws E_ARCH_UNSUPPORTED where the module is for another processor, and no --make-var says how to build for it. */
export function requireNative(job: Job, { makeVars }: Making): void {
  const { machine } = readElf(job.shipped.bytes);
  if (NATIVE[process.arch] === machine || makeVars.some((word) => /^(ARCH|CROSS_COMPILE)=/.test(word)))
    return;
  throw failure(
    'E_ARCH_UNSUPPORTED',
    `the guest’s module is for ELF machine ${machine}, and this machine (${process.arch}) does not compile for that`,
    'run mptfix on a machine of the guest’s own architecture, or give --make-var ARCH=… and --make-var CROSS_COMPILE=…',
  );
}
