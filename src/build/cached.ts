import { createHash } from 'node:crypto';
import type { Cache } from '../target/cache.ts';
import type { Target } from '../target/port.ts';
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

/** Undefined where something of it cannot be told: then nothing is taken from the cache. */
export async function surroundings(
  machine: Target,
  headers: { readonly folder: string; readonly folders: readonly string[] },
  compiler: string,
): Promise<BuildSurroundings | undefined> {
  const listed = await machine.run(['find', '-H', ...headers.folders, '-printf', '%P %s %T@ %l\\n'], {
    effect: 'read',
  });
  const versions = await Promise.all(
    [compiler, 'as', 'ld', 'make'].map((name) => machine.run([name, '--version'], { effect: 'read' })),
  );
  if (listed.status !== 0 || versions.some(({ status }) => status !== 0)) return undefined;
  const contents = await Promise.all(
    ['.config', 'Module.symvers'].map((name) => machine.hash(`${headers.folder}/${name}`)),
  );
  return {
    headers: hash(Buffer.concat([listed.stdout, Buffer.from(contents.join('\n'))])),
    tools: hash(Buffer.concat(versions.map(({ stdout }) => stdout))),
  };
}

/** Compiles, or takes what the very same inputs gave before. */
export async function compileCached(
  options: CompileOptions,
  cache: Cache,
  around: BuildSurroundings | undefined,
): Promise<Compiled> {
  if (around === undefined) return compileModule(options);
  const key = JSON.stringify({
    format: FORMAT,
    ...around,
    base: options.headers.version.base,
    module: options.module,
    makeVars: options.makeVars ?? [],
    files: [...options.files].map(([name, content]) => [name, hash(content)]).sort(),
  });
  const known = await cache.get(key);
  if (known !== undefined) return fromCache(known);
  const compiled = await compileModule(options);
  await cache.put(key, toCache(compiled));
  return compiled;
}

function toCache({ bytes, log, command }: Compiled): Buffer {
  return Buffer.from(JSON.stringify({ bytes: bytes.toString('base64'), log, command }));
}

function fromCache(content: Buffer): Compiled {
  const { bytes, log, command } = JSON.parse(content.toString('utf8'));
  return {
    bytes: Buffer.from(bytes, 'base64'),
    log: `taken from the cache; the build then said:\n${log}`,
    command,
  };
}

function hash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
