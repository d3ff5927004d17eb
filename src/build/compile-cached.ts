import { sha256 } from '../hash.ts';
import { LIMITS } from '../limits.ts';
import type { Cache } from '../work/cache.ts';
import type { Workspace } from '../work/workspace.ts';
import { type Compiled, type CompileOptions, compileModule } from './compile.ts';

/** Raise it when the same inputs would give another module. */
const FORMAT = 1;

/** What beside the source decides a module: read once for both builds. */
export interface BuildSurroundings {
  /** Names, sizes and times of every header, and the hashes of `.config` and Module.symvers. */
  readonly headers: string;
  /** What the compiler and the binutils say of themselves. */
  readonly tools: string;
}

/** Undefined where something of it cannot be read: then nothing is taken from the cache. */
export async function surroundings(
  { machine, user }: Pick<Workspace, 'machine' | 'user'>,
  headers: { readonly folder: string; readonly folders: readonly string[] },
  compiler: string,
): Promise<BuildSurroundings | undefined> {
  const [listed, versions, contents] = await Promise.all([
    machine.run(['find', '-H', ...headers.folders, '-printf', '%P %s %T@ %l\\n'], { effect: 'read' }),
    Promise.all(
      [compiler, 'as', 'ld', 'make'].map((name) =>
        machine.run([name, '--version'], { effect: 'read', user }),
      ),
    ),
    Promise.all(
      ['.config', 'Module.symvers'].map((name) =>
        machine.hash(`${headers.folder}/${name}`, LIMITS.indexBytes),
      ),
    ),
  ]);
  if (listed.status !== 0 || versions.some(({ status }) => status !== 0)) return undefined;
  return {
    headers: sha256(Buffer.concat([listed.stdout, Buffer.from(contents.join('\n'))])),
    tools: sha256(Buffer.concat(versions.map(({ stdout }) => stdout))),
  };
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

function toCache({ bytes, log, command }: Compiled): Buffer {
  return Buffer.from(JSON.stringify({ bytes: bytes.toString('base64'), log, command }));
}

function fromCache(content: Buffer): Compiled {
  const { bytes, log, command }: { bytes: string; log: string; command: string[] } = JSON.parse(
    content.toString('utf8'),
  );
  return {
    bytes: Buffer.from(bytes, 'base64'),
    log: `taken from the cache; the build’s output was:\n${log}`,
    command,
  };
}
