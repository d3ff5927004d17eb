import { compareFunctions, compareSection } from '../elf/compare.ts';
import type { ElfFile } from '../elf/elf.ts';
import type { ProofResult } from './proof.ts';

/** Data that a change of one branch must leave as it is. Jump tables in .rodata move with their function. */
const DATA_SECTIONS = ['.data', '.rodata.str1.1', '.rodata.str1.8', '__ksymtab_strings', '__versions'];

/** GCC splits a function into pieces with these endings. */
const PIECE = /\.(cold|part|constprop|isra)(\.\d+)?|#\d+$/g;

/** The patched module differs from the unchanged one, built the same way, in the completion routine and nowhere else. */
export function proveOnlyBranch(patched: ElfFile, baseline: ElfFile): ProofResult {
  const { changed, onlyFirst, onlySecond } = compareFunctions(patched, baseline);
  const functions = [
    ...new Set([...changed, ...onlyFirst, ...onlySecond].map((name) => name.replace(PIECE, ''))),
  ];
  const data = DATA_SECTIONS.filter(
    (name) => !['same', 'both-missing'].includes(compareSection(patched, baseline, name)),
  );
  const [only] = functions;
  const ok = functions.length === 1 && only !== undefined && isCompletionRoutine(only) && data.length === 0;
  return {
    name: 'only the branch',
    ok,
    detail: ok
      ? `only ${only} differs from the unchanged source’s build`
      : `functions that differ: ${functions.join(' ') || 'none'}${data.length === 0 ? '' : `; data: ${data.join(' ')}`}`,
    code: 'E_PROOF_ONLY_BRANCH',
  };
}

function isCompletionRoutine(name: string): boolean {
  return /^mptscsih?_io_done$/.test(name);
}
