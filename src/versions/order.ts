/** The answer of a comparison, as `Array.prototype.sort` needs it: before, the same, after. */
export type Order = -1 | 0 | 1;

/**
 * Compares two runs of decimal digits by their value. Their length is not bounded: a run that does not fit a
 * number is a valid part of a version, so digits are compared as text, without leading zeros.
 */
export function compareDigits(a: string, b: string): Order {
  const left = withoutZeros(a);
  const right = withoutZeros(b);
  if (left.length !== right.length) return left.length < right.length ? -1 : 1;
  return compareText(left, right);
}

export function compareText(a: string, b: string): Order {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A package's version in its parts, as dpkg and rpm both write it: `[epoch:]version[-release]`. */
export interface VersionParts {
  /** Digits; empty where there is none, which counts as 0. */
  readonly epoch: string;
  readonly version: string;
  readonly release: string | undefined;
}

/** Splits a version; an epoch has at least `epochDigits` digits, else its colon is part of the version. */
export function splitVersion(text: string, epochDigits: number): VersionParts {
  const epochEnd = runEnd(text, 0, isDigit);
  const hasEpoch = epochEnd >= epochDigits && text[epochEnd] === ':';
  const rest = hasEpoch ? text.slice(epochEnd + 1) : text;
  const dash = rest.lastIndexOf('-');
  return {
    epoch: hasEpoch ? text.slice(0, epochEnd) : '',
    version: dash < 0 ? rest : rest.slice(0, dash),
    release: dash < 0 ? undefined : rest.slice(dash + 1),
  };
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** ASCII letters only: the package managers decide without a locale. */
export function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

/** The index after the longest run from `start` of characters that pass. */
export function runEnd(text: string, start: number, passes: (code: number) => boolean): number {
  let end = start;
  while (end < text.length && passes(text.charCodeAt(end))) end += 1;
  return end;
}

function withoutZeros(digits: string): string {
  return digits.slice(runEnd(digits, 0, (code) => code === 0x30));
}
