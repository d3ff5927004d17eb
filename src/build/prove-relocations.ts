import type { ElfFile } from '../elf/elf.ts';
import { type ElfFeature, featuresOf } from '../elf/features.ts';
import { kernelKnows, knownSince } from './loader-knows.ts';
import type { ProofResult } from './proof.ts';

/** What is compared. */
export interface LoaderQuestion {
  /** The module that is to be loaded. */
  readonly built: ElfFile;
  /** The guest's module, which its kernel loads. */
  readonly shipped: ElfFile;
  /** The kernel's version as its Makefile says it: VERSION.PATCHLEVEL.SUBLEVEL. */
  readonly version: string;
}

/**
 * The kernel's loader must know every relocation type and everything else of the ELF format that the new module uses:
 * because the guest's own module uses it too, or because that version of the kernel is known to know it. An unknown type
 * is `Unknown rela relocation: 4` and a guest without its root disk. Throws E_CANNOT_DECIDE for damaged files.
 */
export function proveRelocations({ built, shipped, version }: LoaderQuestion): ProofResult {
  const theirs = new Set(featuresOf(shipped).map(({ key }) => key));
  const mine = featuresOf(built);
  const foreign = mine.filter(({ key }) => !theirs.has(key));
  const unknown = foreign.filter(({ key }) => !kernelKnows(built.machine, key, version));
  const sameMachine = built.machine === shipped.machine && built.class === shipped.class;
  return {
    name: 'relocations',
    ok: sameMachine && unknown.length === 0,
    detail: !sameMachine
      ? `the new module is for ${machineOf(built)}, the guest’s for ${machineOf(shipped)}`
      : unknown.length === 0
        ? held(mine, foreign, version)
        : unknown.map((feature) => strange(built, feature, version)).join('; '),
  };
}

function machineOf({ machineName, class: bits }: ElfFile): string {
  return `${machineName} (${bits} bits)`;
}

function held(mine: readonly ElfFeature[], foreign: readonly ElfFeature[], version: string): string {
  const types = mine.filter(isRelocation).map(({ name }) => name.replace(/ \(.*/, ''));
  const more = foreign.map(({ name }) => name).join(', ');
  const rest =
    more === ''
      ? 'all as in the guest’s module'
      : `all known to Linux ${version}, though not in the guest’s module: ${more}`;
  return `${types.join(' ') || 'no relocations'}; ${rest}`;
}

function isRelocation({ key }: ElfFeature): boolean {
  return key.startsWith('relocation ');
}

/** What is used, how often, where, and since when a kernel knows it. */
function strange({ machine }: ElfFile, { key, name, place, count }: ElfFeature, version: string): string {
  const since = knownSince(machine, key);
  const more = count === 1 ? '' : ` and ${count - 1} more`;
  const known =
    since === undefined
      ? `Linux ${version} is not known to take it`
      : `Linux knows it from ${since} on, this one is ${version}`;
  return `${name} at ${place}${more}: the guest’s module has none, and ${known}`;
}
