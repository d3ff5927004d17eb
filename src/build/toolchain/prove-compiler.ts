import type { ArtifactInfo } from '../../artifact-info.ts';
import type { ElfFile } from '../../elf/elf.ts';
import { modinfo, modinfoField } from '../../elf/module-data.ts';
import { failure } from '../../errors.ts';
import { installCommand } from '../../machine/installers.ts';
import type { Argv } from '../../machine/program.ts';
import type { Tool } from '../../machine/tools.ts';
import type { Workspace } from '../../work/workspace.ts';
import { buildSandbox } from '../build-sandbox.ts';
import { commentOf, versionText } from '../compiler.ts';
import type { ProofResult } from '../proof.ts';
import { compilerNamed, compilersIn, dumpedVersion, vermagicCompiler } from './compiler-words.ts';
import { canCompile, eraOf } from './compilers-by-era.ts';
import { installInTree } from './install-in-tree.ts';
import { hashOf, runTool, type Toolchain } from './toolchain.ts';

type User = Pick<Workspace, 'machine' | 'user'>;

/** What a compiler says of itself. */
export interface CompilerAnswer {
  /** Undefined where it could not be run, or told no version. */
  readonly version: string | undefined;
  /** The first line of `--version`; empty where it has none. */
  readonly line: string;
  /** Where the toolchain has it; undefined where it is not there, or nobody looked. */
  readonly path?: string | undefined;
}

/** What it said already; not given: it is asked. */
interface Asked {
  readonly answer?: CompilerAnswer;
}

/** Old ones know -dumpversion alone; of those since 7 that is the first number, unless they are asked for all of it. */
const ASK =
  'echo "$(command -v "$1")"; "$@" -dumpfullversion -dumpversion 2>/dev/null || "$@" -dumpversion; echo; "$@" --version 2>/dev/null; :';

/** Asks the toolchain's compiler, in its sandbox. */
export async function askCompiler(
  workspace: User,
  toolchain: Toolchain,
  compiler: Argv,
): Promise<CompilerAnswer> {
  const argv: Argv = ['/bin/sh', '-c', ASK, 'sh', ...compiler];
  const { stdout } = await runTool(toolchain, workspace, argv, buildSandbox([]), { effect: 'read' });
  const text = stdout.toString('utf8');
  const end = text.indexOf('\n');
  const path = text.slice(0, end);
  return { ...compilerAnswer(text.slice(end + 1)), path: path.startsWith('/') ? path : undefined };
}

/** Reads what a compiler said: its version by -dumpversion, an empty line, what it says to --version. */
export function compilerAnswer(text: string): CompilerAnswer {
  const at = text.indexOf('\n\n');
  const line = (at === -1 ? '' : text.slice(at + 2)).split('\n')[0]?.trim() ?? '';
  const named = compilerNamed(line);
  // clang answers -dumpversion with the gcc that it claims to be.
  const dumped = dumpedVersion(at === -1 ? text : text.slice(0, at + 1));
  return { version: named?.family === 'clang' ? named.version : (dumped ?? named?.version), line };
}

/** The toolchain and its compiler, for a manifest. */
export async function describeCompiler(
  workspace: User,
  toolchain: Toolchain,
  words: Argv,
  answer?: CompilerAnswer,
): Promise<NonNullable<ArtifactInfo['toolchain']>> {
  const { version, line, path } = answer ?? (await askCompiler(workspace, toolchain, words));
  const sha256 = path === undefined ? null : await hashOf(toolchain, path).catch(() => null);
  return { kind: toolchain.kind, origin: toolchain.name, version: line || (version ?? ''), sha256 };
}

/** What tells which compiler built the module, the most telling first. */
interface Wanted {
  readonly versions: readonly string[];
  /** Who says so. */
  readonly from: string;
  /** The first numbers alone: a vermagic has no more. */
  readonly isShort?: true;
}

function wantedCompilers(shipped: ElfFile, config: string): Wanted | undefined {
  const inModule = compilersIn(commentOf(shipped)).map(({ version }) => version);
  if (inModule.length > 0) return { versions: inModule, from: 'the guest’s module' };
  const configured = compilerNamed(versionText(config))?.version;
  if (configured !== undefined) return { versions: [configured], from: 'the kernel’s .config' };
  const short = vermagicCompiler(modinfoField(modinfo(shipped), 'vermagic') ?? '');
  return short === undefined
    ? undefined
    : { versions: [short], from: 'the vermagic of the guest’s module', isShort: true };
}

interface CompilerProof extends Asked {
  readonly words: Argv;
  /** What to install where there is no such compiler. */
  readonly tool: Tool;
  readonly shipped: ElfFile;
  readonly config: string;
}

/**
 * The toolchain's compiler must be of the version that built the module; whether it is that very compiler is for the
 * provenance to show. A module that was linked of several compilers' objects must have been built by this one among others.
 * Fails where nothing tells which compiler it was.
 */
export async function proveCompiler(
  workspace: User,
  toolchain: Toolchain,
  compiler: CompilerProof,
): Promise<ProofResult> {
  const answer = compiler.answer ?? (await askCompiler(workspace, toolchain, compiler.words));
  return judgeCompiler(answer, toolchain, compiler);
}

/** The same, of a compiler that has been asked already. */
export async function judgeCompiler(
  { version }: CompilerAnswer,
  toolchain: Toolchain,
  { words, tool, shipped, config }: CompilerProof,
): Promise<ProofResult> {
  const wanted = wantedCompilers(shipped, config);
  const name = `${words.join(' ')}${toolchain.kind === 'machine' ? '' : ` of ${toolchain.name}`}`;
  if (wanted === undefined) {
    const detail = `nothing says which compiler built the guest’s module: neither its .comment, nor its vermagic, nor the .config; ${name} is ${version ?? 'not to be run'}`;
    return { name: 'compiler', ok: false, detail };
  }
  const ok =
    version !== undefined && wanted.versions.some((one) => isSame(version, one, wanted.isShort === true));
  const all = wanted.versions.join(' and ');
  if (ok) return { name: 'compiler', ok, detail: `${name} ${version}, as ${wanted.from} says (${all})` };
  const install =
    toolchain.kind === 'machine'
      ? installCommand([tool])
      : version === undefined && toolchain.kind !== 'image'
        ? installInTree(toolchain.place, [tool])
        : 'give --toolchain guest, or --toolchain DIR, the / of a system with that version';
  const found = version === undefined ? 'cannot be run, or tells no version' : `is ${version}`;
  const built = wanted.from === 'the guest’s module' ? '' : ` (${wanted.from} says so)`;
  return {
    name: 'compiler',
    ok,
    detail: `${name} ${found}, and the guest’s module was built by ${all}${built}; ${await install}`,
  };
}

function isSame(version: string, wanted: string, isShort: boolean): boolean {
  return version === wanted || (isShort && version.startsWith(`${wanted}.`));
}

/**
 * Throws E_TOOLCHAIN where this machine's compiler does not know kernels of that time, and nobody has said that it is to be
 * used all the same. A tree that somebody names is what they mean.
 */
export async function requireCompilerOfEra(
  workspace: User,
  toolchain: Toolchain,
  { words, base, answer }: Asked & { readonly words: Argv; readonly base: string },
): Promise<void> {
  if (toolchain.isChosen) return;
  const era = eraOf(base);
  if (era === undefined) return;
  const { version, line } = answer ?? (await askCompiler(workspace, toolchain, words));
  if (version === undefined || compilerNamed(line)?.family === 'clang' || canCompile(era, version)) return;
  throw failure(
    'E_TOOLCHAIN',
    `${words.join(' ')} of this machine is ${version}, and a kernel ${base} needs ${era.text}`,
    'give --toolchain guest, to compile with the guest’s own gcc and make (with --root), or --toolchain DIR, the / of a system of that time; --toolchain machine tries it here all the same',
  );
}
