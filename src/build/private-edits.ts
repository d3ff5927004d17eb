import { satisfies } from 'semver';
import { threeParts } from './toolchain/compilers-by-era.ts';

/** What of a kernel's own files today's make or C library no longer takes; edited in a private copy, never where it came from. */
interface PrivateEdit {
  /** Semver range of the kernels that have it. */
  readonly kernels: string;
  readonly files: readonly string[];
  readonly edit: (text: string) => string;
  readonly reason: string;
  readonly source: string;
}

/** A rule of a plain target and a pattern, with its recipe: lines that begin with a tab, and those they continue on. */
const MIXED_RULE = /^([\w./-]+) (%[\w./-]+):([^\n]*)\n((?:\t[^\n]*\n)+)/gm;

const EDITS: readonly PrivateEdit[] = [
  {
    kernels: '>=2.6.0 <2.6.38',
    files: ['Makefile'],
    edit: (text) => text.replace(MIXED_RULE, '$1:$3\n$4\n$2:$3\n$4'),
    reason: 'make 3.82 and later refuse a rule for a name and a pattern at once: it stands there twice',
    source: 'GNU make 3.82, NEWS: mixing of implicit and normal rules; later kernels have two rules',
  },
  {
    kernels: '>=2.6.0 <2.6.30',
    files: ['scripts/mod/sumversion.c', 'scripts/mod/modpost.c', 'scripts/basic/fixdep.c'],
    edit: (text) =>
      /\bPATH_MAX\b/.test(text) && !/#\s*include\s*<(linux\/)?limits\.h>/.test(text)
        ? text.replace(/^#include/m, '#include <limits.h>\n#include')
        : text,
    reason: 'PATH_MAX is in limits.h alone, which today’s other headers do not bring along',
    source:
      'tried on 2.6.15 and 2.6.18: “PATH_MAX undeclared”; later kernels include limits.h in scripts/mod/sumversion.c',
  },
];

/** A file of the kernel's own, as it must be for today's tools, and why; undefined where it is well as it is. */
export function privatelyEdited(
  base: string,
  file: string,
  text: string,
): { readonly text: string; readonly reason: string } | undefined {
  const edits = EDITS.filter(
    ({ kernels, files }) => files.includes(file) && satisfies(threeParts(base), kernels),
  );
  let edited = text;
  const reasons: string[] = [];
  for (const { edit, reason } of edits) {
    const next = edit(edited);
    if (next !== edited) reasons.push(reason);
    edited = next;
  }
  return reasons.length === 0 ? undefined : { text: edited, reason: `${file}: ${reasons.join('; ')}` };
}

/** Whether a kernel of that version has anything of the kind. */
export function mayBeEdited(base: string): boolean {
  return EDITS.some(({ kernels }) => satisfies(threeParts(base), kernels));
}

/** All files that any edit is about. */
export const PRIVATELY_EDITED: readonly string[] = [...new Set(EDITS.flatMap(({ files }) => files))];
