import type { ErrorsPolicy } from '../filesystems/superblock/ext.ts';
import type { FstabEntry } from '../guest/fstab.ts';

/** The policy that an entry asks for; of several the last counts. Undefined: the superblock's default holds. */
export function errorsOptionOf(options: readonly string[]): string | undefined {
  return options.findLast((option) => option.startsWith('errors='))?.slice('errors='.length);
}

/**
 * The text of fstab with `errors=` changed in the options of these entries, where they have it. Every other byte stays,
 * also one that is no UTF-8: the text goes in and out as bytes.
 */
export function withErrors(fstab: Buffer, entries: readonly FstabEntry[], policy: ErrorsPolicy): Buffer {
  // latin1 gives every byte one character, and takes it back.
  const lines = fstab.toString('latin1').split('\n');
  for (const { line } of entries) lines[line - 1] = editLine(lines[line - 1] ?? '', policy);
  return Buffer.from(lines.join('\n'), 'latin1');
}

/** Three fields and the blanks after each, the options, the rest. */
const FIELDS = /^([ \t]*(?:[^ \t]+[ \t]+){3})([^ \t\r]+)(.*)$/s;

function editLine(line: string, policy: ErrorsPolicy): string {
  const [, before, options, after] = FIELDS.exec(line) ?? [];
  if (before === undefined || options === undefined) return line;
  const edited = options
    .split(',')
    .map((option) => (option.startsWith('errors=') ? `errors=${policy}` : option));
  return `${before}${edited.join(',')}${after ?? ''}`;
}
