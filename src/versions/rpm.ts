import { compareDigits, compareText, isDigit, isLetter, type Order, runEnd, splitVersion } from './order.ts';

/**
 * Compares two RPM versions in rpm's order, tilde (before) and caret (after) included. Takes a full
 * `[epoch:]version-release`, or a version or a release alone. A missing epoch is 0, and a missing release
 * comes before any release, as in `rpmverCmp()`. Pure and linear in the length; never throws.
 *
 * Old rpm (RHEL 3 to 5) knows neither tilde nor caret and skips them as separators; no kernel of that age has
 * one.
 */
export function compareRpm(a: string, b: string): Order {
  const left = splitVersion(a, 0);
  const right = splitVersion(b, 0);
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareSegments(left.version, right.version) ||
    compareReleases(left.release, right.release)
  );
}

function compareReleases(a: string | undefined, b: string | undefined): Order {
  if (a !== undefined && b !== undefined) return compareSegments(a, b);
  if (a === b) return 0;
  return a === undefined ? -1 : 1;
}

/** rpm's `rpmvercmp()`: segments of digits or of letters in turn, whatever separates them. */
function compareSegments(a: string, b: string): Order {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    i = runEnd(a, i, isSeparator);
    j = runEnd(b, j, isSeparator);
    const mark = compareMarks(a[i], b[j]);
    if (mark === 'both') {
      i += 1;
      j += 1;
      continue;
    }
    if (mark !== 'none') return mark;
    if (i >= a.length || j >= b.length) break;

    const numeric = isDigit(a.charCodeAt(i));
    const kind = numeric ? isDigit : isLetter;
    const endA = runEnd(a, i, kind);
    const endB = runEnd(b, j, kind);
    // Segments of different kinds: the number is the newer one.
    if (endB === j) return numeric ? 1 : -1;
    const compare = numeric ? compareDigits : compareText;
    const order = compare(a.slice(i, endA), b.slice(j, endB));
    if (order !== 0) return order;
    i = endA;
    j = endB;
  }
  if (i >= a.length && j >= b.length) return 0;
  return i < a.length ? 1 : -1;
}

/** A tilde sorts before anything, the end too; a caret after the end, but before anything else. */
function compareMarks(a: string | undefined, b: string | undefined): Order | 'both' | 'none' {
  if (a === '~' || b === '~') {
    if (a !== '~') return 1;
    return b === '~' ? 'both' : -1;
  }
  if (a === '^' || b === '^') {
    if (a === undefined) return -1;
    if (b === undefined) return 1;
    if (a !== '^') return 1;
    return b === '^' ? 'both' : -1;
  }
  return 'none';
}

function isSeparator(code: number): boolean {
  return !isDigit(code) && !isLetter(code) && code !== 0x7e && code !== 0x5e;
}
