import { functionsOf, isCompletionName } from './completion.ts';
import { type OpenGroup, type Preprocessed, preprocess } from './preprocess.ts';
import type { Lexed } from './tokens.ts';

/** Up to so many open `#if` conditions every combination is examined; beyond, one condition at a time is turned. */
const MAX_FULL_KEYS = 5;

export interface Configurations {
  readonly sources: readonly Preprocessed[];
  /** False where there are too many combinations to examine them all. */
  readonly complete: boolean;
}

/** The file under every combination of those open conditions that touch the routine or a macro used in it. */
export function configurations(lexed: Lexed): Configurations {
  const yes = preprocess(lexed, new Map());
  const keys = new Set<string>();
  const leaves: Preprocessed[] = [];
  const explore = (choices: ReadonlyMap<string, boolean>, source: Preprocessed): void => {
    const open = openKeys(source).filter((key) => !choices.has(key));
    for (const key of open) keys.add(key);
    const [next] = open;
    if (next === undefined || keys.size > MAX_FULL_KEYS) {
      leaves.push(source);
      return;
    }
    // Silence means true, so the positive choice leaves the source as it is.
    explore(new Map([...choices, [next, true]]), source);
    const no = new Map([...choices, [next, false]]);
    explore(no, preprocess(lexed, no));
  };
  explore(new Map(), yes);
  const complete = keys.size <= MAX_FULL_KEYS;
  return { sources: complete ? leaves : oneByOne(lexed, yes), complete };
}

/** All conditions true, all false, and each of them turned alone in both. */
function oneByOne(lexed: Lexed, yes: Preprocessed): Preprocessed[] {
  const keys = new Set(openKeys(yes));
  let no = yes;
  // Arms that were left out before may bring new conditions.
  for (let before = -1; before !== keys.size; ) {
    before = keys.size;
    no = preprocess(lexed, new Map([...keys].map((key) => [key, false])));
    for (const key of openKeys(no)) keys.add(key);
  }
  const all = [...keys].slice(0, 40);
  const off = new Map(all.map((key) => [key, false] as const));
  const turned = all.flatMap((key) => [
    preprocess(lexed, new Map([[key, false]])),
    preprocess(lexed, new Map([...off, [key, true]])),
  ]);
  return [yes, no, ...turned];
}

function openKeys(source: Preprocessed): string[] {
  const routine = functionsOf(source.tokens).find((place) => isCompletionName(place.name));
  const first = routine === undefined ? 0 : routine.at;
  const last = routine?.close ?? source.tokens.length - 1;
  const start = routine === undefined ? 0 : (source.tokens[first]?.start ?? 0);
  const end = source.tokens[last]?.end ?? 0;
  const words = new Set(source.tokens.slice(first, last + 1).map((token) => token.text));
  const touching = (group: OpenGroup): boolean =>
    (group.start < end && group.end > start) || [...group.defines].some((name) => words.has(name));
  return [...new Set(source.groups.filter(touching).flatMap((group) => [...group.keys]))];
}
