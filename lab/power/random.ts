/** From 0 up to, but without, 1. */
export type Random = () => number;

/** The same numbers for the same seed: Mulberry32, which is public domain (Tommy Ettinger, 2017). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to, but without, `below`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}
