/** Finds a fixed set of words in bytes. */
export interface WordSearch {
  /** Where the first word at or after `from` begins; -1 where there is none. */
  first(bytes: Uint8Array, from: number): number;
  /** Calls `onWord` for each word in the first `length` bytes, with its place in the list and where it begins. */
  each(bytes: Uint8Array, length: number, onWord: (index: number, start: number) => void): void;
}

/**
 * Finds many words at once, as Wu and Manber do ("A fast algorithm for multi-pattern searching", 1994): a window as wide
 * as the shortest word moves as far as its last two bytes allow, so that most bytes are never read.
 */
export function wordSearch(words: readonly string[]): WordSearch {
  const all = words.map((word) => Uint8Array.from(Buffer.from(word, 'latin1')));
  const width = Math.min(...all.map((word) => word.length));
  const step = new Uint8Array(0x10000).fill(Math.min(width - 1, 0xff));
  const ending = new Map<number, number[]>();
  const starting = new Uint8Array(0x10000);
  for (const [index, word] of all.entries()) {
    for (let at = 1; at < width; at += 1) {
      const pair = pairAt(word, at);
      step[pair] = Math.min(step[pair] ?? 0, width - 1 - at);
    }
    starting[pairAt(word, 1)] = 1;
    const last = pairAt(word, width - 1);
    ending.set(last, [...(ending.get(last) ?? []), index]);
  }

  /** `stop` gets the place of a word in the list, and where it begins, and decides whether the search ends there. */
  const search = (
    bytes: Uint8Array,
    length: number,
    from: number,
    stop: (index: number, start: number) => boolean,
  ): number => {
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
      for (const index of ending.get(pair) ?? []) {
        if (standsAt(bytes, length, start, all[index] as Uint8Array) && stop(index, start)) return start;
      }
    }
    return -1;
  };

  const always = (): boolean => true;
  return {
    first: (bytes, from) => search(bytes, bytes.length, from, always),
    each: (bytes, length, onWord) => {
      search(bytes, length, 0, (index, start) => {
        onWord(index, start);
        return false;
      });
    },
  };
}

const SPACE = 0x20;
const LINE_FEED = 0x0a;

/**
 * Copies the bytes without white space, but with the ends of lines; answers how many are left. The search for words takes
 * them so: white space is lost and doubled where a log is pasted.
 * @param places where each byte that is left was, if that is wanted
 * @param across without the ends of lines, too
 */
export function squeeze(
  bytes: Uint8Array,
  length: number,
  into: Uint8Array,
  places?: Uint32Array,
  across = false,
): number {
  let count = 0;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at] as number;
    if (byte <= SPACE && (across || byte !== LINE_FEED)) continue;
    into[count] = byte;
    if (places !== undefined) places[count] = at;
    count += 1;
  }
  return count;
}

/** The words as they are found in squeezed bytes. */
export function squeezedWords(words: readonly string[]): readonly string[] {
  return words.map((word) => word.replace(/\s/g, ''));
}

function pairAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0);
}

function standsAt(bytes: Uint8Array, length: number, start: number, word: Uint8Array): boolean {
  if (start + word.length > length) return false;
  for (let at = 0; at < word.length; at += 1) if (bytes[start + at] !== word[at]) return false;
  return true;
}
