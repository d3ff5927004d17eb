import { architectureOf } from '../architectures.ts';
import { readElf } from '../elf/elf.ts';
import { noCache } from '../work/cache.ts';
import { type Compiled, type CompileOptions, compileModule, type Files } from './compile.ts';
import { cachedBuild, compileCached, keepBuild, surroundings } from './compile-cached.ts';
import { compilerWords } from './compiler.ts';
import { startReplay } from './replay.ts';
import type { Linker } from './replay-script.ts';
import {
  type Building,
  heardLater,
  type RunningBuilds,
  type ShownHeaders,
  started,
} from './running-builds.ts';
import { makeProgram, makeVariable, wordsOf } from './toolchain/named-tools.ts';

/**
 * One kbuild, of the patched source, and the unchanged source's module by the commands of it, side by side. Where these do
 * not serve, a second make builds the unchanged one, and its result says why. `ahead`: the source will take a while; make
 * is started at once and does meanwhile what it can.
 */
export function oneKbuild(context: Building, headers: ShownHeaders, ahead: boolean): RunningBuilds {
  const { options, cache, workspace, toolchain, progress } = context;
  const [stopper, notNeeded] = [new AbortController(), new AbortController()];
  const unchangedFiles = Promise.withResolvers<Files>();
  const patchedFiles = Promise.withResolvers<Files | undefined>();
  for (const { promise } of [unchangedFiles, patchedFiles]) promise.catch(() => {});
  const labelled = (label: string): Omit<CompileOptions, 'files'> => {
    const build = moduleBuild(context, headers, label);
    return { ...build, signal: AbortSignal.any([build.signal, stopper.signal]) };
  };
  const around =
    cache === noCache || options.wholeTree
      ? Promise.resolve(undefined)
      : surroundings(workspace, headers, toolchain, {
          make: makeProgram(options.makeVars),
          compiler: compilerWords(headers, options),
        });
  const byCommands = labelled('unchanged');
  const replay = startReplay({
    ...byCommands,
    files: unchangedFiles.promise,
    linker: linkerOf(context),
    signal: AbortSignal.any([byCommands.signal, notNeeded.signal]),
  });

  let kbuild: Promise<Compiled> | undefined;
  const begin = (files: CompileOptions['files']): Promise<Compiled> => {
    const build = heardLater(
      compileCached({ ...labelled('patched'), files, heardBy: replay }, cache, around),
    );
    build.finally(replay.kbuildEnded).catch(() => {});
    return build;
  };
  if (ahead) kbuild = begin(patchedFiles.promise.then((files) => files ?? unchangedFiles.promise));

  const unchangedBuild = async (files: Files): Promise<Compiled> => {
    const build = { ...labelled('unchanged'), files };
    const known = await cachedBuild(build, cache, around);
    if (known !== undefined) {
      notNeeded.abort();
      return known;
    }
    const [replayed] = await Promise.all([replay.result(), started(kbuild)]);
    if (typeof replayed !== 'string') return keepBuild(build, cache, around, replayed);
    progress.note(`make builds the unchanged source too: ${replayed}`);
    const made = await compileModule({ ...build, ...labelled('unchanged-by-make') });
    // With the reason: a bundle is the same whether its build comes from the cache or not.
    return keepBuild(build, cache, around, { ...made, whyMake: replayed });
  };

  let unchanged: Promise<Compiled> | undefined;
  let source: Files | undefined;
  return {
    unchanged: (files) => {
      source = files;
      unchangedFiles.resolve(files);
    },
    patched: (files) => {
      if (source === undefined) throw new Error('the unchanged source was never given');
      // Then make builds the unchanged source, and nothing else is wanted.
      if (files === undefined) notNeeded.abort();
      patchedFiles.resolve(files);
      kbuild ??= begin(files ?? source);
      unchanged = files === undefined ? kbuild : heardLater(unchangedBuild(source));
    },
    result: async () => {
      // A replay that is not needed is ended: it may not outlive the work folder either.
      await Promise.allSettled([kbuild, unchanged, replay.result()]);
      return { patched: await started(kbuild), unchanged: await started(unchanged) };
    },
    stop: async () => {
      stopper.abort();
      for (const { reject } of [unchangedFiles, patchedFiles]) reject(new Error('the build was stopped'));
      replay.kbuildEnded();
      await Promise.allSettled([kbuild, unchanged, replay.result()]);
    },
  };
}

/** All but the files of the build of one module. */
export function moduleBuild(
  { job, options, workspace, toolchain, progress, signal, named = '' }: Building,
  headers: CompileOptions['headers'],
  label: string,
): Omit<CompileOptions, 'files'> {
  return {
    workspace,
    headers,
    module: job.module.name,
    label: `${named}${label}`,
    // A tree of its own does not know the distro's name for it.
    makeVars: [...(options.wholeTree ? [`KERNELRELEASE=${job.kernel.release}`] : []), ...options.makeVars],
    toolchain,
    progress,
    signal,
  };
}

/** The binutils that belong to the compiler that make calls. */
function linkerOf({ job, options: { makeVars } }: Building): Linker {
  const prefix = makeVariable(makeVars, 'CROSS_COMPILE') ?? '';
  const ld = wordsOf(makeVariable(makeVars, 'LD') ?? '') ?? [`${prefix}ld`];
  const nm = wordsOf(makeVariable(makeVars, 'NM') ?? '') ?? [`${prefix}nm`];
  const emulation = architectureOf(readElf(job.shipped.bytes))?.emulation;
  return { ld: [...ld, ...(emulation === undefined ? [] : ['-m', emulation])], nm };
}
