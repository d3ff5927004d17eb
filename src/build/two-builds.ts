import { DRIVER_FOLDER } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import { noCache } from '../work/cache.ts';
import type { BuildFolder } from './build-sandbox.ts';
import type { Compiled, CompileOptions, Files } from './compile.ts';
import { compileCached, surroundings } from './compile-cached.ts';
import { compilerWords } from './compiler.ts';
import { makeAllModules } from './configured-tree.ts';
import { buildInImage } from './elsewhere/builds.ts';
import type { Building, RunningBuilds } from './running-builds.ts';
import { makeProgram } from './toolchain/named-tools.ts';

/**
 * Starts both builds in the same way: side by side, or with `--full` one after the other in the one tree. `ahead`: the
 * source will take a while; make is started at once and does meanwhile what it can.
 */
export function startBuilds(context: Building, headers: Headers, ahead: boolean): RunningBuilds {
  if (context.toolchain.kind === 'image') return buildInImage(context, headers);
  return context.options.full ? oneAfterTheOther(context, headers) : sideBySide(context, headers, ahead);
}

function sideBySide(context: Building, headers: Headers, ahead: boolean): RunningBuilds {
  const { job, options, cache, workspace, toolchain, progress } = context;
  const { wholeTree, makeVars } = options;
  const stopper = new AbortController();
  const around =
    cache === noCache || wholeTree
      ? Promise.resolve(undefined)
      : surroundings(workspace, headers, toolchain, {
          make: makeProgram(makeVars),
          compiler: compilerWords(headers, options),
        });
  const build = (label: 'patched' | 'unchanged', files: CompileOptions['files']): Promise<Compiled> =>
    heardLater(
      compileCached(
        {
          workspace,
          headers,
          files,
          module: job.module.name,
          label: `${context.named ?? ''}${label}`,
          // A tree of its own does not know the distro's name for it.
          makeVars: [...(wholeTree ? [`KERNELRELEASE=${job.kernel.release}`] : []), ...makeVars],
          toolchain,
          progress,
          signal: AbortSignal.any([context.signal, stopper.signal]),
        },
        cache,
        around,
      ),
    );
  const unchanged = lateBuild((files) => build('unchanged', files), ahead);
  // Where the guest's module has no branch, there is probably nothing to correct.
  const patched = lateBuild((files) => build('patched', files), ahead && job.expectBranch);
  return {
    unchanged: unchanged.give,
    patched: (files) => (files === undefined ? patched.replace(unchanged.compiled()) : patched.give(files)),
    result: async () => {
      await Promise.allSettled([patched.compiled(), unchanged.compiled()]);
      return { patched: await patched.compiled(), unchanged: await unchanged.compiled() };
    },
    stop: async () => {
      stopper.abort();
      await Promise.all([patched.stop(), unchanged.stop()]);
    },
  };
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
    compiled: () => started(compiling),
    stop: async () => {
      coming.reject(new Error('the build was stopped'));
      await Promise.allSettled([compiling]);
    },
  };
}

/** `--full`: after the first build of the one tree, the second makes only what the patch changes. */
function oneAfterTheOther(context: Building, headers: Headers): RunningBuilds {
  const { job, options, workspace, toolchain, progress } = context;
  const stopper = new AbortController();
  const tree = {
    workspace,
    tree: treeOf(headers),
    release: job.kernel.release,
    makeVars: options.makeVars,
    toolchain,
    progress,
    signal: AbortSignal.any([context.signal, stopper.signal]),
  };
  const build = (files: Files): Promise<Compiled> =>
    makeAllModules(tree, { folder: DRIVER_FOLDER, module: job.module.name, files });
  let unchanged: Promise<Compiled> | undefined;
  let patched: Promise<Compiled> | undefined;
  return {
    unchanged: (files) => {
      unchanged = heardLater(build(files));
    },
    patched: (files) => {
      const first = started(unchanged);
      patched = files === undefined ? first : heardLater(first.then(() => build(files)));
    },
    result: async () => ({ unchanged: await started(unchanged), patched: await started(patched) }),
    stop: async () => {
      stopper.abort();
      await Promise.allSettled([unchanged, patched]);
    },
  };
}

/** The whole tree that serves as build folder. */
function treeOf({ folder, binds }: Headers): BuildFolder {
  const tree = binds.find(({ to }) => to === folder);
  if (tree === undefined) throw new Error(`no folder is shown at ${folder}`);
  return tree;
}

/** Of a build that must have been started by then. */
function started(compiling: Promise<Compiled> | undefined): Promise<Compiled> {
  return compiling ?? Promise.reject(new Error('its files were never given'));
}

/** Whoever waits for the result hears of a failure; until then nobody may. */
function heardLater<T>(result: Promise<T>): Promise<T> {
  result.catch(() => {});
  return result;
}
