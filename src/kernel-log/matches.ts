import { HAS_RECORD, mayBeBetween } from './between.ts';
import type { Writer } from './line.ts';
import type { Fields, Signature } from './signature.ts';
import { SIGNATURES } from './signatures.ts';
import { squeeze, squeezedWords, wordSearch } from './words.ts';

/** A kernel's message has at most 1 KB (LOG_LINE_MAX); of a line with many, so much is searched. */
export const MAX_LINE = 16 * 1024;

/** A message in a text, as its signature found it. */
export interface Match {
  readonly signature: Signature;
  readonly start: number;
  readonly end: number;
  readonly groups: Fields;
}

/** Each word of the table, and the signatures whose lines have it. */
const BY_WORD = new Map<string, Signature[]>();
for (const signature of SIGNATURES) {
  for (const needle of signature.needles) BY_WORD.set(needle, [...(BY_WORD.get(needle) ?? []), signature]);
}
const WORDS = wordSearch(squeezedWords([...BY_WORD.keys()]));
/** One buffer for all lines: a new one for each would be garbage that the collector does not see. */
const SCRATCH = Buffer.allocUnsafeSlow(MAX_LINE);
const SIGNATURES_OF_WORD = [...BY_WORD.values()];

/** The messages with which a text begins, each directly after the one before. */
export function matches(text: string, writer: Writer | undefined): readonly Match[] {
  const candidates = new Set<Signature>();
  // The words are ASCII: anything else may be mangled here.
  const length = squeeze(SCRATCH, SCRATCH.write(text, 'latin1'), SCRATCH);
  WORDS.each(SCRATCH, length, (index) => {
    for (const signature of SIGNATURES_OF_WORD[index] ?? [])
      if (mayWrite(writer, signature)) candidates.add(signature);
  });
  const found: Match[] = [];
  for (let at = candidates.size === 0 ? -1 : after(text, 0); at !== -1; ) {
    const match = longestAt(text, at, candidates);
    if (match === undefined) break;
    found.push(match);
    const { tail } = match.signature;
    if (tail === 'names') break;
    at = tail === true ? nextAfter(text, match.end, candidates) : after(text, match.end);
    if (tail !== true && at < text.length && longestAt(text, at, candidates) === undefined)
      at = afterUnknown(text, at, candidates, writer);
  }
  return found;
}

/** multipathd says nothing for the kernel, nor the kernel for it; nor either of them for a hypervisor. */
function mayWrite(writer: Writer | undefined, { eras }: Signature): boolean {
  if (writer === undefined) return true;
  const [era] = eras;
  if (era === 'multipathd') return writer === 'multipathd';
  return era === 'esx' ? writer === 'vmkernel' : writer === 'kernel';
}

/** What may end a message. */
const BETWEEN = /[.!]{0,3}[ \t]*/y;

/** Where the next message may begin behind one that ends at `end`. */
export function after(text: string, end: number): number {
  BETWEEN.lastIndex = end;
  return BETWEEN.exec(text) === null ? end : BETWEEN.lastIndex;
}

/** Of two that fit the longer is the message. */
function longestAt(text: string, at: number, candidates: Iterable<Signature>): Match | undefined {
  let longest: Match | undefined;
  for (const signature of candidates) {
    const { pattern } = signature;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null || pattern.lastIndex <= (longest?.end ?? at)) continue;
    longest = { signature, start: at, end: pattern.lastIndex, groups: match.groups ?? {} };
  }
  return longest;
}

/**
 * Where the next message begins behind one that ends before its line does: there is what the table does not know, and then
 * perhaps more that it does. -1 where there is none.
 */
function afterUnknown(
  text: string,
  end: number,
  candidates: Iterable<Signature>,
  writer: Writer | undefined,
): number {
  if (writer === 'kernel') return -1;
  const at = nextAfter(text, end, candidates);
  return at !== -1 && mayBeBetween(text.slice(end, at)) && !HAS_RECORD.test(text.slice(end, at)) ? at : -1;
}

/** Where the next message begins, after a tail of the kernel's own words; -1 where there is none. */
function nextAfter(text: string, end: number, candidates: Iterable<Signature>): number {
  let first = -1;
  for (const { pattern } of candidates) {
    const anywhere = ANYWHERE.get(pattern) ?? new RegExp(pattern.source, 'g');
    ANYWHERE.set(pattern, anywhere);
    anywhere.lastIndex = end;
    const at = anywhere.exec(text)?.index ?? -1;
    if (at > end && /\s/.test(text.charAt(at - 1)) && (first === -1 || at < first)) first = at;
  }
  return first;
}

const ANYWHERE = new Map<RegExp, RegExp>();
