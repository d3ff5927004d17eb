import { sha256 } from '../hash.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { Argv } from '../machine/program.ts';
import type { Cache } from '../work/cache.ts';
import type { Workspace } from '../work/workspace.ts';
import { buildSandbox } from './build-sandbox.ts';
import { type Compiled, type CompileOptions, compileModule } from './compile.ts';
import { hashOf, runTool, type Toolchain } from './toolchain/toolchain.ts';

/** Raise it when the same inputs would give another module. */
const FORMAT = 4;

/** What beside the source decides a module: read once for both builds. */
export interface BuildSurroundings {
  /** `Headers.digest`: all that lies in the build folder and its parts. */
  readonly headers: string;
  /** The content of the compiler and the other programs, and what they say of themselves. */
  readonly tools: string;
}

/**
 * The programs that a module is made with, a line each, then what they say of themselves. gcc looks for cc1 and the linker
 * itself. Of the compiler's words the first that is no assignment is a program; the others may be options.
 */
const TOOLS_OF_A_BUILD = `make=$1; shift
for name in "$1" as ld ar nm objcopy strip "$make" sh; do command -v "$name" || exit; done
for name in cc1 collect2 as ld; do "$@" -print-prog-name=$name; done
echo; "$@" --version
for name in as ld "$make"; do "$name" --version || exit; done`;

interface NamedTools {
  readonly make: string;
  readonly compiler: Argv;
}

/** Undefined where something of it cannot be read: then nothing is taken from the cache. */
export async function surroundings(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  headers: { readonly digest: Headers['digest'] | Promise<Headers['digest']> },
  toolchain: Toolchain,
  named: NamedTools,
): Promise<BuildSurroundings | undefined> {
  const digest = await headers.digest;
  if (digest === undefined) return undefined;
  const tools = await toolsOfBuild(workspace, toolchain, named);
  return tools === undefined ? undefined : { headers: digest, tools };
}

/** What is known in a workspace, which is that of one run: whoever asks first begins it. */
const known = new WeakMap<object, Map<string, Promise<string | undefined>>>();

/** A hash over the content of all tools of a build and what they say of themselves; undefined where that cannot be read. */
export function toolsOfBuild(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  toolchain: Toolchain,
  named: NamedTools,
): Promise<string | undefined> {
  const all = known.get(workspace) ?? new Map<string, Promise<string | undefined>>();
  known.set(workspace, all);
  const { kind, name, shown } = toolchain;
  const key = JSON.stringify([kind, name, shown, named]);
  const asked = all.get(key) ?? readTools(workspace, toolchain, named);
  all.set(key, asked);
  return asked;
}

async function readTools(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  toolchain: Toolchain,
  { make, compiler }: NamedTools,
): Promise<string | undefined> {
  const argv = ['sh', '-c', TOOLS_OF_A_BUILD, 'sh', make, ...compiler] as const;
  const { status, stdout } = await runTool(toolchain, workspace, argv, buildSandbox([]));
  if (status !== 0) return undefined;
  const said = stdout.toString('latin1');
  // The same as and ld are found by both ways.
  const files = [...new Set(said.slice(0, said.indexOf('\n\n')).split('\n'))].filter((line) =>
    line.startsWith('/'),
  );
  try {
    // A system of 2003 has no sha256sum.
    const hashes = await Promise.all(files.map((file) => hashOf(toolchain, file)));
    return sha256(JSON.stringify([toolchain.name, said, hashes]));
  } catch {
    return undefined;
  }
}

/** Compiles, or takes what the very same inputs gave before; `around` undefined: nothing is known to be the same. */
export async function compileCached(
  options: CompileOptions,
  cache: Cache,
  around: Promise<BuildSurroundings | undefined>,
): Promise<Compiled> {
  const key = keyOf(options, around);
  if (options.files instanceof Promise) return compileAhead(options, cache, key);
  const name = await key;
  const known = name === undefined ? undefined : await cache.get(name);
  if (known !== undefined) return fromCache(known);
  return keep(cache, name, await compileModule(options));
}

/** What the very same inputs gave before; undefined where nothing is known. */
export async function cachedBuild(
  options: CompileOptions,
  cache: Cache,
  around: Promise<BuildSurroundings | undefined>,
): Promise<Compiled | undefined> {
  const key = await keyOf(options, around);
  const known = key === undefined ? undefined : await cache.get(key);
  return known === undefined ? undefined : fromCache(known);
}

/** Keeps what these inputs gave in another way than by `compileCached`; answers it. */
export async function keepBuild(
  options: CompileOptions,
  cache: Cache,
  around: Promise<BuildSurroundings | undefined>,
  compiled: Compiled,
): Promise<Compiled> {
  return keep(cache, await keyOf(options, around), compiled);
}

/** make is begun before the driver is there; where the cache then has it, make is ended. */
async function compileAhead(
  options: CompileOptions,
  cache: Cache,
  key: Promise<string | undefined>,
): Promise<Compiled> {
  const stopper = new AbortController();
  const signal = AbortSignal.any([options.signal, stopper.signal]);
  const compiling = compileModule({ ...options, signal });
  const known = key.then((name) => (name === undefined ? undefined : cache.get(name)));
  const found = await Promise.race([known, compiling.then(() => undefined)]).catch(() => undefined);
  if (found === undefined) {
    const compiled = await compiling;
    return keep(cache, await key, compiled);
  }
  stopper.abort();
  await Promise.allSettled([compiling]);
  return fromCache(found);
}

async function keep(cache: Cache, key: string | undefined, compiled: Compiled): Promise<Compiled> {
  if (key !== undefined) await cache.put(key, toCache(compiled));
  return compiled;
}

async function keyOf(
  options: CompileOptions,
  around: Promise<BuildSurroundings | undefined>,
): Promise<string | undefined> {
  const [files, surrounding] = await Promise.all([options.files, around]);
  if (surrounding === undefined) return undefined;
  return JSON.stringify({
    format: FORMAT,
    ...surrounding,
    base: options.headers.version,
    module: options.module,
    makeVars: options.makeVars ?? [],
    files: [...files].map(([name, content]) => [name, sha256(content)]).sort(),
  });
}

function toCache({ bytes, ...rest }: Compiled): Buffer {
  return Buffer.from(JSON.stringify({ bytes: bytes.toString('base64'), ...rest }));
}

function fromCache(content: Buffer): Compiled {
  const { bytes, log, ...rest }: Omit<Compiled, 'bytes'> & { bytes: string } = JSON.parse(
    content.toString('utf8'),
  );
  return {
    ...rest,
    bytes: Buffer.from(bytes, 'base64'),
    log: `taken from the cache; the build’s output was:\n${log}`,
  };
}
