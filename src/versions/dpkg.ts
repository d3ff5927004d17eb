import { compareDigits, isDigit, isLetter, type Order, runEnd } from './order.ts';

/**
 * Compares two Debian package versions, `[epoch:]upstream[-revision]`, in the order of Debian Policy 5.6.12.
 * Pure and linear in the length. A version that policy forbids gets an order too, never an error: an epoch
 * that is not a number is read as part of the upstream version.
 */
export function compareDpkg(a: string, b: string): Order {
  const left = split(a);
  const right = split(b);
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

interface DebianVersion {
  readonly epoch: string;
  readonly upstream: string;
  readonly revision: string;
}

function split(version: string): DebianVersion {
  const epochEnd = runEnd(version, 0, isDigit);
  const hasEpoch = epochEnd > 0 && version[epochEnd] === ':';
  const rest = hasEpoch ? version.slice(epochEnd + 1) : version;
  const dash = rest.lastIndexOf('-');
  return {
    epoch: hasEpoch ? version.slice(0, epochEnd) : '',
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    // Policy: a missing revision is the same as revision 0.
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Policy's two steps in turn: a run of other characters by weight, a run of digits by value. */
function compareParts(a: string, b: string): Order {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while (isOther(a, i) || isOther(b, j)) {
      const difference = weight(a, i) - weight(b, j);
      if (difference !== 0) return difference < 0 ? -1 : 1;
      i += 1;
      j += 1;
    }
    const endA = runEnd(a, i, isDigit);
    const endB = runEnd(b, j, isDigit);
    const order = compareDigits(a.slice(i, endA), b.slice(j, endB));
    if (order !== 0) return order;
    i = endA;
    j = endB;
  }
  return 0;
}

function isOther(text: string, index: number): boolean {
  return index < text.length && !isDigit(text.charCodeAt(index));
}

/** A tilde sorts before the end, the end before letters, letters before everything else. */
function weight(text: string, index: number): number {
  if (index >= text.length) return 0;
  const code = text.charCodeAt(index);
  if (isDigit(code)) return 0;
  if (text[index] === '~') return -1;
  return isLetter(code) ? code : code + 0x10000;
}
