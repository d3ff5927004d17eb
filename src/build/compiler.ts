import type { BuildOptions } from '../build-options.ts';
import type { ElfFile } from '../elf/elf.ts';
import { bytesOfSection } from '../elf/sections.ts';
import type { Headers } from '../kernel-source/headers.ts';
import { installCommand } from '../machine/installers.ts';
import type { Tool } from '../machine/tools.ts';
import type { Workspace } from '../work/workspace.ts';
import { buildSandbox } from './build-sandbox.ts';
import type { ProofResult } from './proof.ts';

/**
 * The compiler that built the kernel, from the first word of CONFIG_CC_VERSION_TEXT (since 4.18), such as
 * `gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0`. Older kernels do not say: the plain `gcc`.
 */
export function kernelCompiler(config: string): Tool {
  const text = versionText(config);
  // A cross compiler's prefix is not part of the package's name; a hostile config must not name a path.
  const name = /^(?:[\w.]+-)*?(gcc(?:-\d+(?:\.\d+)?)?)\s/.exec(`${text} `)?.[1] ?? 'gcc';
  return { name, package: name };
}

function versionText(config: string): string {
  return /^CONFIG_CC_VERSION_TEXT="([^"]*)"/m.exec(config)?.[1] ?? '';
}

/** What make is to call. */
export function compilerName(
  { config }: Pick<Headers, 'config'>,
  { makeVars }: Pick<BuildOptions, 'makeVars'>,
): string {
  const named = makeVars.findLast((word) => word.startsWith('CC='));
  return named === undefined ? kernelCompiler(config).name : named.slice('CC='.length);
}

/** Who names the compiler with CC= answers for it. */
export function compilerTools(
  headers: Pick<Headers, 'config'>,
  options: Pick<BuildOptions, 'makeVars'>,
): readonly Tool[] {
  const compiler = kernelCompiler(headers.config);
  return compilerName(headers, options) === compiler.name ? [compiler] : [];
}

/** What the compiler of a module wrote into it: `GCC: (Debian 12.2.0-14+deb12u1) 12.2.0`. */
export function compilerOf(elf: ElfFile): string {
  const text = Buffer.from(bytesOfSection(elf, '.comment') ?? new Uint8Array()).toString('latin1');
  return [...new Set(text.split('\0').filter((part) => part !== ''))].join(', ') || 'an unknown compiler';
}

/**
 * The compiler must be of the version that built the module; whether it is that very compiler is for the provenance
 * to show. Holds where neither module nor configuration tell a version.
 */
export async function proveCompiler(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  { name, shipped, config }: { readonly name: string; readonly shipped: ElfFile; readonly config: string },
): Promise<ProofResult> {
  const wanted = lastVersion(compilerOf(shipped)) ?? lastVersion(versionText(config));
  const argv = [name, '-dumpfullversion', '-dumpversion'] as const;
  const { machine, user } = workspace;
  const answer = await machine.run(argv, { effect: 'read', user, sandbox: buildSandbox([]) });
  const found = answer.status === 0 ? answer.stdout.toString('utf8').trim() : undefined;
  const ok = wanted === undefined || found === wanted;
  const next = ok ? '' : await installCommand([kernelCompiler(config)]);
  return {
    name: 'compiler',
    ok,
    detail: ok
      ? `${name} ${found ?? ''}, ${wanted === undefined ? 'and the module does not say which compiler built it' : 'as the module says of its own'}`
      : `${name} is ${found ?? 'not installed'}, and the guest’s module was built by ${wanted}; ${next}`,
  };
}

function lastVersion(text: string): string | undefined {
  return /(\d+\.\d+(?:\.\d+)?)\s*$/.exec(text)?.[1];
}
