import { compareData, compareFunctions, compareSection, refersAlike } from '../elf/compare.ts';
import type { ElfFile } from '../elf/elf.ts';
import { modinfo } from '../elf/module-data.ts';
import { compilerOf } from './compiler.ts';
import type { ProofResult } from './proof.ts';

/** SHF_ALLOC: what is loaded into the kernel. Source: the ELF specification, section attribute flags. */
const SHF_ALLOC = 2;

/**
 * Sections that are no code and no data of the source: the build-id is a hash of all others, .note.Linux holds the salt
 * of the kernel's configuration (which Debian leaves out of /boot/config), .modinfo is compared field by field.
 * .module_sig is Red Hat's signature of the others, added after the build (scripts/modsign of RHEL 4 to 6).
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  '.note.gnu.build-id',
  '.note.Linux',
  '.module_sig',
  '.modinfo',
  '.BTF',
  '.BTF.base',
]);

/**
 * Fields that signing, and building inside the kernel's own tree, add to a module. `supported` is SUSE's: its modpost
 * adds it to the modules that a list of the kernel's package names.
 */
const ADDED_FIELDS: ReadonlySet<string> = new Set([
  'supported',
  'intree',
  'retpoline',
  'sig_id',
  'signer',
  'sig_key',
  'sig_hashalgo',
  'signature',
]);

/**
 * Rebuild and compare: the unchanged source, built as the patched one is, must give the module that the guest has,
 * byte for byte in every section that is loaded. Then source, configuration, headers and compiler are the right ones.
 *
 * @param baseline the unchanged source, built here
 * @param shipped the module that the guest has
 */
export function proveProvenance(baseline: ElfFile, shipped: ElfFile): ProofResult {
  const names = [...new Set([...loaded(baseline), ...loaded(shipped)])].sort();
  const different = names.filter((name) => compareSection(baseline, shipped, name) !== 'same');
  const fields = differentFields(baseline, shipped);
  const ok = different.length === 0 && fields.length === 0;
  return {
    name: 'provenance',
    ok,
    detail: ok
      ? `${names.length} sections of the unchanged source’s build equal the guest’s module: ${names.join(' ')}`
      : [describe(different, fields), compilers(baseline, shipped)].filter(Boolean).join('; '),
  };
}

/** Assemblers differ in whether they leave sections without content, such as .data and .bss; nothing of these is loaded. */
function loaded({ sections }: ElfFile): readonly string[] {
  return sections
    .filter(({ name, flags, size }) => (flags & SHF_ALLOC) !== 0 && size > 0 && !LEFT_OUT.has(name))
    .map(({ name }) => name);
}

function differentFields(baseline: ElfFile, shipped: ElfFile): readonly string[] {
  const [mine, theirs] = [modinfo(baseline), modinfo(shipped)];
  const names = new Set([...mine.keys(), ...theirs.keys()]);
  return [...names].filter(
    (name) => !ADDED_FIELDS.has(name) && mine.get(name)?.join('\n') !== theirs.get(name)?.join('\n'),
  );
}

function describe(sections: readonly string[], fields: readonly string[]): string {
  const parts = [
    sections.length === 0 ? '' : `sections that differ: ${sections.join(' ')}`,
    fields.length === 0 ? '' : `modinfo fields that differ: ${fields.join(' ')}`,
  ];
  return `the unchanged source, built here, is not the guest’s module: ${parts.filter(Boolean).join('; ')}`;
}

/** The compiler names itself in every object. */
function compilers(baseline: ElfFile, shipped: ElfFile): string {
  const [mine, theirs] = [compilerOf(baseline), compilerOf(shipped)];
  return mine === theirs ? '' : `built by ${mine}, the guest’s by ${theirs}`;
}

/**
 * Loaded sections that a change of one branch must leave as they are: variables, texts (whose sections are named for their
 * alignment: .str1.1 and .str1.8 on x86-64, .str1.4 and .str1.32 on i386), constants, and what the module exports. Jump
 * tables in .rodata, and the tables that list places in the code, move with their functions.
 */
const DATA =
  /^(\.data|\.bss|\.rodata\.(str|cst)|__ksymtab|__kcrctab|__versions$|__version_ext|\.gnu\.linkonce\.this_module$)/;

/** GCC splits a function into pieces with these endings. */
const PIECE = /\.(cold|part|constprop|isra)(\.\d+)?|#\d+$/g;

/** The patched module differs from the unchanged one, built the same way, in the completion routine and nowhere else. */
export function proveOnlyBranch(patched: ElfFile, baseline: ElfFile): ProofResult {
  const { functions, data } = differences(patched, baseline);
  const [only] = functions;
  const ok = functions.length === 1 && only !== undefined && isCompletionRoutine(only) && data.length === 0;
  return {
    name: 'only the branch',
    ok,
    detail: ok
      ? `only ${only} differs from the unchanged source’s build`
      : `functions that differ: ${functions.join(' ') || 'none'}${data.length === 0 ? '' : `; data: ${data.join(' ')}`}`,
  };
}

/**
 * Functions besides the completion routine that differ, where they may differ by the choice of registers alone: all are in
 * both builds, refer to the same places as often, and no data differs. Empty where there is more to it.
 */
export function otherwiseAlike(patched: ElfFile, baseline: ElfFile): readonly string[] {
  const { functions, data, isInBoth } = differences(patched, baseline);
  const others = functions.filter((name) => !isCompletionRoutine(name));
  const alike = others.every((name) => refersAlike(patched, baseline, name));
  return alike && isInBoth && data.length === 0 && others.length < functions.length ? others : [];
}

function differences(patched: ElfFile, baseline: ElfFile) {
  const { changed, onlyFirst, onlySecond } = compareFunctions(patched, baseline);
  const functions = [
    ...new Set([...changed, ...onlyFirst, ...onlySecond].map((name) => name.replace(PIECE, ''))),
  ];
  const data = [...new Set([...loaded(patched), ...loaded(baseline)])].filter(
    (name) => DATA.test(name) && compareData(patched, baseline, name) !== 'same',
  );
  return { functions, data, isInBoth: onlyFirst.length + onlySecond.length === 0 };
}

function isCompletionRoutine(name: string): boolean {
  return /^mptscsih?_io_done$/.test(name);
}
