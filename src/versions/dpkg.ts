import { compareDigits, isDigit, isLetter, type Order, runEnd, splitVersion } from './order.ts';

/**
 * Compares two Debian package versions, `[epoch:]upstream[-revision]`, in the order of Debian Policy 5.6.12.
 * Pure and linear in the length. A version that policy forbids gets an order too, never an error: an epoch
 * that is not a number is read as part of the upstream version.
 */
export function compareDpkg(a: string, b: string): Order {
  const left = splitVersion(a, 1);
  const right = splitVersion(b, 1);
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareParts(left.version, right.version) ||
    // Policy: a missing revision is the same as revision 0.
    compareParts(left.release ?? '', right.release ?? '')
  );
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
