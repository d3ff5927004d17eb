/** Finds the first of the words at or after `from`; -1 where there is none. */
export type WordFinder = (bytes: Uint8Array, from: number) => number;

/**
 * Looks for many words at once, as Wu and Manber do ("A fast algorithm for multi-pattern searching", 1994): a window
 * as wide as the shortest word is moved on by what its last two bytes allow, so that most bytes are never looked at.
 */
export function wordFinder(words: readonly string[]): WordFinder {
  const all = [...new Set(words)].map((word) => Uint8Array.from(Buffer.from(word, 'latin1')));
  const width = Math.min(...all.map((word) => word.length));
  const step = new Uint8Array(0x10000).fill(Math.min(width - 1, 0xff));
  const ending = new Map<number, Uint8Array[]>();
  const starting = new Uint8Array(0x10000);
  for (const word of all) {
    for (let at = 1; at < width; at += 1) {
      const pair = pairAt(word, at);
      step[pair] = Math.min(step[pair] ?? 0, width - 1 - at);
    }
    starting[pairAt(word, 1)] = 1;
    const last = pairAt(word, width - 1);
    ending.set(last, [...(ending.get(last) ?? []), word]);
  }

  return (bytes, from) => {
    const length = bytes.length;
    let at = from + width - 1;
    while (at < length) {
      const pair = ((bytes[at - 1] as number) << 8) | (bytes[at] as number);
      const move = step[pair] as number;
      if (move !== 0) {
        at += move;
        continue;
      }
      const start = at - width + 1;
      at += 1;
      if (starting[((bytes[start] as number) << 8) | (bytes[start + 1] as number)] === 0) continue;
      for (const word of ending.get(pair) ?? []) if (standsAt(bytes, start, word)) return start;
    }
    return -1;
  };
}

function pairAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0);
}

function standsAt(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  if (start + word.length > bytes.length) return false;
  for (let at = 0; at < word.length; at += 1) if (bytes[start + at] !== word[at]) return false;
  return true;
}
