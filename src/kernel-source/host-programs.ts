import { join } from 'node:path';
import { ARCHITECTURES } from '../architectures.ts';
import { failure } from '../errors.ts';
import { installCommand } from '../machine/installers.ts';
import type { Target, TargetReads } from '../machine/port.ts';

/*
 * A package of headers brings programs that run where the kernel is built (fixdep, modpost), built for the package's own
 * architecture. An x86-64 kernel runs those of i386, where their loader and their C library are there. Both are taken from
 * the guest, which has them for itself, or from its libc6 package: then modpost is the one that the distro used, and any
 * family's headers work in the same way. Tried with Debian's 6.1 for 686-pae; its linux-kbuild of amd64 gave the same
 * module byte for byte, but only Debian has such a package.
 */

/** Both take part in the build of every module. */
const PROGRAMS = ['scripts/basic/fixdep', 'scripts/mod/modpost'] as const;

/** What the programs of a build folder are started by. */
export interface Loader {
  /** As the program names it: /lib/ld-linux.so.2. */
  readonly path: string;
  /** The program's ELF class. */
  readonly bits: 32 | 64;
  /** Which program it was read from, below the build folder. */
  readonly program: string;
}

/** A file of a target, and the place where a sandbox is to show it. */
export interface LibraryFile {
  readonly target: Target;
  readonly from: string;
  readonly to: string;
}

/** The loader of a build folder's own programs; undefined where it has none, or they need none. */
export async function programLoader(
  origin: Pick<TargetReads, 'stat' | 'readRange'>,
  build: string,
): Promise<Loader | undefined> {
  for (const program of PROGRAMS) {
    const found = interpreter(await head(origin, join(build, program)));
    if (found !== undefined) return { ...found, program };
  }
  return undefined;
}

/**
 * The loader and the C library, from the first of the places that has both; none where this machine has the loader.
 * Throws E_TOOLS_MISSING where nobody has them.
 */
export async function programLibraries(
  machine: Pick<Target, 'stat'>,
  loader: Loader,
  places: readonly Target[],
): Promise<readonly LibraryFile[]> {
  if ((await machine.stat(loader.path)) !== undefined) return [];
  for (const target of places) {
    const library = await cLibrary(target, loader);
    if (library === undefined || (await target.stat(loader.path))?.type !== 'file') continue;
    return [loader.path, library].map((path) => ({ target, from: path, to: path }));
  }
  const debian = ARCHITECTURES.find(({ loader: known }) => known === loader.path)?.debian;
  throw failure(
    'E_TOOLS_MISSING',
    `${loader.program} of the kernel’s headers needs ${loader.path}, which this machine does not have`,
    await installCommand([
      { name: loader.path, package: debian === undefined ? loader.path : `libc6:${debian}` },
    ]),
  );
}

/** Where a loader looks by itself: Debian's since 7 in the folder of the architecture, others in the plain ones. */
const LIBRARY_FOLDERS: Readonly<Record<Loader['bits'], readonly string[]>> = {
  32: ['/lib/i386-linux-gnu', '/usr/lib/i386-linux-gnu', '/lib', '/usr/lib'],
  64: ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64'],
};

async function cLibrary(target: Target, { bits }: Loader): Promise<string | undefined> {
  for (const folder of LIBRARY_FOLDERS[bits]) {
    const path = `${folder}/libc.so.6`;
    if (classOf(await head(target, path)) === bits) return path;
  }
  return undefined;
}

/** Program headers follow the ELF header, and the interpreter’s name is within the first page. */
const HEAD_BYTES = 4096;

async function head(origin: Pick<TargetReads, 'stat' | 'readRange'>, path: string): Promise<Buffer> {
  if ((await origin.stat(path))?.type !== 'file') return Buffer.alloc(0);
  return origin.readRange(path, 0, HEAD_BYTES);
}

function classOf(bytes: Buffer): 32 | 64 | undefined {
  if (bytes.length < 64 || bytes.toString('latin1', 0, 4) !== '\x7fELF' || bytes[5] !== 1) return undefined;
  return bytes[4] === 1 ? 32 : bytes[4] === 2 ? 64 : undefined;
}

const PT_INTERP = 3;

/** Layout: elf(5), Elf32_Ehdr and Elf32_Phdr, Elf64_Ehdr and Elf64_Phdr. */
function interpreter(bytes: Buffer): Pick<Loader, 'path' | 'bits'> | undefined {
  const bits = classOf(bytes);
  if (bits === undefined) return undefined;
  const [table, size, count] =
    bits === 32
      ? [bytes.readUInt32LE(28), bytes.readUInt16LE(42), bytes.readUInt16LE(44)]
      : [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  for (let index = 0; index < count; index += 1) {
    const at = table + index * size;
    if (at + 40 > bytes.length) return undefined;
    if (bytes.readUInt32LE(at) !== PT_INTERP) continue;
    const offset = bits === 32 ? bytes.readUInt32LE(at + 4) : Number(bytes.readBigUInt64LE(at + 8));
    const path = bytes.toString('latin1', offset, Math.max(offset, bytes.indexOf(0, offset)));
    return /^\/[\w./-]+$/.test(path) && !path.includes('..') ? { path, bits } : undefined;
  }
  return undefined;
}
