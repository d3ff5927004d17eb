import { failure as problem } from '../../src/errors.ts';
import { allPairs, matrixPairs, NAMES, type Pair } from './rows.ts';

/** What a pattern's words are compared with. */
const KEYS = {
  kernel: ({ kernel }: Pair) => [kernel],
  fs: ({ fileSystem }: Pair) => [fileSystem],
  failure: ({ failure, seconds }: Pair) => [failure, `${failure}:${seconds}`],
} as const;
type Key = keyof typeof KEYS;

/**
 * The pairs that any of the patterns picks: `KEY=VALUE[,KEY=VALUE…]`, where the keys are `kernel`, `fs` and `failure`, and
 * `*` stands for any characters. A key that is given twice picks either value. Failures that the full matrix tries on one
 * kernel and file system are tried wherever a pattern that names them allows it.
 * Throws E_USAGE for a pattern that is none, or that picks nothing.
 */
export function pickPairs(patterns: readonly string[]): readonly Pair[] {
  const picked = new Set<Pair>();
  const all = allPairs();
  const usual = new Set(matrixPairs().map((pair) => JSON.stringify(pair)));
  for (const pattern of patterns) {
    const wanted = parsePattern(pattern);
    const found = all.filter(
      (pair) =>
        (wanted.has('failure') || usual.has(JSON.stringify(pair))) &&
        [...wanted].every(([key, tests]) =>
          KEYS[key](pair).some((value) => tests.some((test) => test.test(value))),
        ),
    );
    if (found.length === 0) throw noPattern(pattern, 'picks nothing');
    for (const pair of found) picked.add(pair);
  }
  return all.filter((pair) => picked.has(pair));
}

function parsePattern(pattern: string): ReadonlyMap<Key, readonly RegExp[]> {
  const wanted = new Map<Key, readonly RegExp[]>();
  for (const word of pattern.split(',')) {
    const [, key = '', value = ''] = /^([a-z]+)=([\w.:*-]+)$/.exec(word.trim()) ?? [];
    if (!isKey(key)) throw noPattern(pattern, `is no pattern: ${word === '' ? 'a word is empty' : word}`);
    wanted.set(key, [...(wanted.get(key) ?? []), wildcard(value)]);
  }
  return wanted;
}

function isKey(word: string): word is Key {
  return Object.hasOwn(KEYS, word);
}

function wildcard(value: string): RegExp {
  return new RegExp(`^${value.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
}

function noPattern(pattern: string, what: string): Error {
  const known = Object.entries(NAMES).map(([key, names]) => `${key}=${names.join('|')}`);
  return problem(
    'E_USAGE',
    `--only ${pattern} ${what}`,
    `it picks by ${known.join(', ')}, such as failure=busy:15`,
  );
}
