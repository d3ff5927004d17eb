import { compileCached, surroundings } from '../build/cached.ts';
import type { Compiled } from '../build/compile.ts';
import { kernelCompiler } from '../build/compiler.ts';
import { EM_X86_64, readElf } from '../elf/elf.ts';
import { failure } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { DriverFiles } from '../source/driver-files.ts';
import type { Headers } from '../source/headers.ts';
import { noCache } from '../target/cache.ts';
import type { Workspace } from '../target/workspace.ts';
import type { Job, Making } from './job.ts';
import type { Patched } from './patch-source.ts';

/** Both builds: what is installed, and what proves that source, headers and compiler are the right ones. */
export interface Builds {
  readonly patched: Compiled;
  readonly unchanged: Compiled;
}

/** Compiles the patched and the unchanged driver side by side, in the same way. */
export async function compileBoth(
  job: Job,
  making: Making,
  made: {
    readonly source: DriverFiles;
    readonly patched: Patched;
    readonly headers: Headers;
  },
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Builds> {
  const around =
    making.cache === noCache || making.wholeTree
      ? undefined
      : await surroundings(workspace.machine, made.headers, compilerName(made.headers, making));
  const build = (label: 'patched' | 'unchanged', content: Buffer): Promise<Compiled> =>
    compileCached(
      {
        workspace,
        headers: made.headers,
        files: new Map<string, Uint8Array>(made.source.files).set(made.patched.file, content),
        module: job.module.name,
        label,
        // A tree of its own does not know the distro's name for it.
        makeVars: [...(making.wholeTree ? [`KERNELRELEASE=${job.kernel.release}`] : []), ...making.makeVars],
        progress,
        signal,
      },
      making.cache,
      around,
    );
  const unpatched = build('unchanged', made.patched.before);
  // Both are awaited whatever happens: no compiler may outlive the work folder.
  const settled = await Promise.allSettled([
    made.patched.patch === null ? unpatched : build('patched', made.patched.after),
    unpatched,
  ]);
  const [patched, unchanged] = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  if (patched === undefined || unchanged === undefined) throw new Error('two builds were started');
  return { patched, unchanged };
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
