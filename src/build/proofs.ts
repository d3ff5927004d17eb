import { scanModule } from '../driver/module/scan.ts';
import type { ElfFile } from '../elf/elf.ts';
import { exportsOf, modinfo, modinfoField, moduleVersions } from '../elf/module-data.ts';
import { proveOnlyBranch, proveProvenance } from './compare-builds.ts';
import type { ProofResult } from './proof.ts';
import { proveRelocations } from './prove-relocations.ts';
import { vermagicDifference } from './vermagic.ts';

/** What is compared: the new module with the guest's, and what the build folder says of its kernel. */
export interface ModulePair {
  /** The patched source's build. */
  readonly built: ElfFile;
  /** The unchanged source's build. */
  readonly baseline: ElfFile;
  readonly shipped: ElfFile;
  /** The text of the build folder's Module.symvers. */
  readonly symvers: string;
  /** The kernel's VERSION.PATCHLEVEL.SUBLEVEL, as the build folder's Makefile has it. */
  readonly version: string;
  /** For messages. */
  readonly path: string;
  /** False where the source had no branch, so that both builds are the same one. */
  readonly isPatched: boolean;
}

/** Every proof that needs the finished module only; the first that fails is the most telling one. */
export function proveModule(pair: ModulePair): readonly ProofResult[] {
  return [
    proveVermagic(pair),
    proveRelocations(pair),
    proveSymbolVersions(pair),
    proveExports(pair),
    proveProvenance(pair.baseline, pair.shipped),
    ...(pair.isPatched ? [proveOnlyBranch(pair.built, pair.baseline)] : []),
    proveBranch(pair),
  ];
}

/**
 * Source, headers and kernel must be of one version before a compiler is started: `source` and `headers` are the
 * versions that the two Makefiles declare; `headersRelease` is UTS_RELEASE.
 */
export function proveVersions(versions: {
  readonly source: string | undefined;
  readonly headers: string;
  readonly headersRelease: string | undefined;
  readonly release: string;
}): ProofResult {
  const { source, headers, headersRelease, release } = versions;
  const sameTree = source === undefined || source === headers;
  const sameRelease = headersRelease === undefined || headersRelease === release;
  const declared = source === undefined ? 'the source does not declare its version' : `source ${source}`;
  return {
    name: 'version',
    ok: sameTree && sameRelease,
    detail: `${declared}, headers ${headers} of ${headersRelease ?? 'an unnamed release'}, kernel ${release}`,
  };
}

function proveVermagic({ built, shipped }: ModulePair): ProofResult {
  const [mine, theirs] = [built, shipped].map((elf) => modinfoField(modinfo(elf), 'vermagic'));
  const why = mine === undefined || theirs === undefined ? '' : vermagicDifference(mine, theirs);
  return {
    name: 'vermagic',
    ok: mine !== undefined && mine === theirs,
    detail:
      mine === theirs
        ? `${mine}`
        : `the new module has ${quoted(mine)}, the guest's ${quoted(theirs)}${why === '' ? '' : `: ${why}`}`,
  };
}

/** The kernel refuses a module whose CRC of one symbol differs (CONFIG_MODVERSIONS). */
function proveSymbolVersions({ built, shipped, symvers }: ModulePair): ProofResult {
  const mine = moduleVersions(built);
  const theirs = moduleVersions(shipped);
  // Some 25,000 lines, which are read only for a symbol that the guest's own module does not use.
  let parsed: ReadonlyMap<string, number> | undefined;
  const declared = (): ReadonlyMap<string, number> => {
    parsed ??= symbolVersions(symvers);
    return parsed;
  };
  const wrong: string[] = [];
  for (const [symbol, crc] of mine) {
    const wanted = theirs.get(symbol) ?? declared().get(symbol);
    if (wanted !== crc)
      wrong.push(`${symbol} ${hex(crc)} instead of ${wanted === undefined ? 'an unknown one' : hex(wanted)}`);
  }
  const unversioned = mine.size === 0 && theirs.size > 0;
  return {
    name: 'symbol CRCs',
    ok: wrong.length === 0 && !unversioned,
    detail: unversioned
      ? `the new module has no CRCs, the guest's has ${theirs.size}`
      : wrong.length === 0
        ? `all ${mine.size} are equal to the guest's`
        : wrong.slice(0, 3).join(', '),
  };
}

/** Lines of `0xCRC<tab>symbol<tab>module<tab>…`. Source: Documentation/kbuild/modules.rst, "Symbols From the Kernel". */
export function symbolVersions(symvers: string): ReadonlyMap<string, number> {
  const versions = new Map<string, number>();
  for (const line of symvers.split('\n')) {
    const [crc = '', symbol] = line.split('\t');
    if (symbol !== undefined && /^0x[0-9a-f]+$/i.test(crc)) versions.set(symbol, Number.parseInt(crc, 16));
  }
  return versions;
}

/** mptspi, mptsas and mptfc link against what this module exports. */
function proveExports({ built, shipped }: ModulePair): ProofResult {
  const mine = new Set(exportsOf(built).map(({ name }) => name));
  const theirs = new Set(exportsOf(shipped).map(({ name }) => name));
  const missing = [...theirs.difference(mine)];
  const added = [...mine.difference(theirs)];
  return {
    name: 'exports',
    ok: missing.length === 0 && added.length === 0,
    detail:
      missing.length + added.length === 0
        ? `the same ${mine.size}`
        : [...missing.map((name) => `-${name}`), ...added.map((name) => `+${name}`)].slice(0, 5).join(' '),
  };
}

function proveBranch({ built, path }: ModulePair): ProofResult {
  const scan = scanModule(built, path);
  return { name: 'branch', ok: scan.verdict === 'branch-absent', detail: scan.detail };
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'none' : JSON.stringify(text);
}
