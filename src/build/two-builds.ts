import { DRIVER_FOLDER } from '../kernel-source/driver-files.ts';
import type { BuildFolder } from './build-sandbox.ts';
import type { Compiled, Files } from './compile.ts';
import { makeAllModules } from './configured-tree.ts';
import { buildInImage } from './elsewhere/builds.ts';
import { oneKbuild } from './one-kbuild.ts';
import {
  type Building,
  heardLater,
  type RunningBuilds,
  type ShownHeaders,
  started,
} from './running-builds.ts';

/**
 * Starts both builds: by one kbuild and its commands, or with `--full` one after the other in the one tree. `ahead`: the
 * source will take a while; what can be done without it is begun.
 */
export function startBuilds(context: Building, headers: ShownHeaders, ahead: boolean): RunningBuilds {
  if (context.toolchain.kind === 'image') return buildInImage(context, headers);
  return context.options.full ? oneAfterTheOther(context, headers) : oneKbuild(context, headers, ahead);
}

/** `--full`: after the first build of the one tree, the second makes only what the patch changes. */
function oneAfterTheOther(context: Building, headers: ShownHeaders): RunningBuilds {
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
function treeOf({ folder, binds }: ShownHeaders): BuildFolder {
  const tree = binds.find(({ to }) => to === folder);
  if (tree === undefined) throw new Error(`no folder is shown at ${folder}`);
  return tree;
}
