import { dirname, join } from 'node:path';
import { failure } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { makeFolders } from '../target/folders.ts';
import type { Workspace } from '../target/workspace.ts';
import { recipeFor } from './recipes.ts';

export interface CompileOptions {
  readonly workspace: Workspace;
  /** A prepared build folder of the kernel, and its VERSION.PATCHLEVEL.SUBLEVEL. */
  readonly headers: { readonly folder: string; readonly version: { readonly base: string } };
  /** The driver's folder as it shall be compiled, by path below it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Module name: mptscsih, or mptscsi on RHEL 4. */
  readonly module: string;
  /** A name for the folder in the workspace: `patched`. */
  readonly label: string;
  /** NAME=VALUE words for make. */
  readonly makeVars?: readonly string[];
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

export interface Compiled {
  /** The module as the linker wrote it, without debug information. */
  readonly bytes: Buffer;
  readonly log: string;
  readonly command: readonly string[];
}

/**
 * Compiles the one module against the headers, as the workspace's unprivileged user.
 * Throws E_BUILD with the compiler's first error and the log's path.
 */
export async function compileModule(options: CompileOptions): Promise<Compiled> {
  const { workspace, headers, module, progress, signal } = options;
  const { machine, user } = workspace;
  const recipe = recipeFor(headers.version.base);
  if (recipe === undefined) {
    throw failure(
      'E_BUILD',
      `no way is known to build one module for a kernel ${headers.version.base}`,
      'build the module by hand as the kernel’s documentation says; 2.4 kernels never had the bug',
    );
  }
  const folder = await layOut(options);
  const command = [...recipe.make(headers.folder, folder), ...(options.makeVars ?? [])] as const;
  const lines: string[] = [];
  const result = await machine.run(command, {
    effect: 'write',
    env: { TMPDIR: folder, HOME: folder },
    onLine: (line) => {
      lines.push(line);
      if (line.trim() !== '') progress.note(line.trim());
    },
    ...(user === undefined ? {} : { user }),
    ...(signal === undefined ? {} : { signal }),
  });
  signal?.throwIfAborted();
  const log = `${command.join(' ')}\n${lines.join('\n')}\n`;
  const output = join(folder, `${module}.ko`);
  const built = await machine.lstat(output);
  if (result.status !== 0 || built?.type !== 'file') throw await buildFailure(options, lines, log);
  await strip(workspace, output);
  return { bytes: await machine.read(output), log, command };
}

/** Writes the sources with a Kbuild that keeps the driver's own flags and builds nothing but the one module. */
async function layOut({ workspace, files, module, label }: CompileOptions): Promise<string> {
  const { machine } = workspace;
  const folder = workspace.at(label);
  await machine.mkdir(folder, 0o700);
  for (const [name, content] of files) {
    await makeFolders(machine, dirname(join(folder, name)));
    await machine.write(join(folder, name), content);
  }
  await machine.write(join(folder, 'Kbuild'), `include $(src)/Makefile\nobj-y :=\nobj-m := ${module}.o\n`);
  await workspace.handOver(folder);
  return folder;
}

async function buildFailure(
  { module, workspace }: CompileOptions,
  lines: readonly string[],
  log: string,
): Promise<Error> {
  const first =
    lines.find((line) => /: (fatal )?error:|: not found|undefined!/.test(line)) ??
    lines.find((line) => line.includes('***')) ??
    lines.at(-1) ??
    'make said nothing';
  return failure(
    'E_BUILD',
    `${module}.ko could not be built: ${first.trim()}`,
    'read the log; most often the headers or the compiler are not those of the kernel',
    { log: await workspace.keepLog('build', log) },
  );
}

/** Debug information is many times the module, and no distro ships it there. */
async function strip({ machine, user }: Workspace, path: string): Promise<void> {
  const options = { effect: 'write', ...(user === undefined ? {} : { user }) } as const;
  const result = await machine.run(['strip', '--strip-debug', path], options);
  if (result.status !== 0) throw new Error(`strip failed: ${result.stderr.trim()}`);
}
