import fc from 'fast-check';

/** A change: where, how many characters go, and what comes in their place, how often. */
export type Change = readonly [place: number, gone: number, piece: string, times: number];

/** One to six changes that put in some of these pieces. */
export function changesOf(pieces: readonly string[]): fc.Arbitrary<Change[]> {
  const change = fc.tuple(fc.nat(), fc.nat(40), fc.constantFrom(...pieces), fc.integer({ min: 1, max: 30 }));
  return fc.array(change, { minLength: 1, maxLength: 6 });
}

/** A text with the changes, one after the other. */
export function mutated(text: string, changes: readonly Change[]): string {
  return changes.reduce((before, [place, gone, piece, times]) => {
    const at = place % (before.length + 1);
    return before.slice(0, at) + piece.repeat(times) + before.slice(at + gone);
  }, text);
}
