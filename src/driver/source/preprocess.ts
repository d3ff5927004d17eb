import { firstWhere } from '../../bisect.ts';
import { LIMITS } from '../../limits.ts';
import { functionsOf, isCompletionName } from './completion.ts';
import { holds, type Macro } from './condition.ts';
import { unclear } from './syntax.ts';
import type { Directive, Lexed, Token } from './tokens.ts';

/** An `#if … #endif` whose condition the file alone does not decide. */
export interface OpenGroup {
  /** The conditions that decide it. */
  readonly keys: ReadonlySet<string>;
  readonly start: number;
  readonly end: number;
  /** Names that it defines or undefines, with those of the groups within. */
  readonly defines: ReadonlySet<string>;
}

/** Conditions that the file does not decide itself, and what they are taken for. */
export type Choices = ReadonlyMap<string, boolean>;

/** What one choice of conditions leaves of a file. */
export interface Preprocessed {
  readonly tokens: readonly Token[];
  readonly groups: readonly OpenGroup[];
  /** The definition of a name in force at an offset of the text. */
  macroAt(name: string, offset: number): Macro | undefined;
}

interface Group {
  readonly start: number;
  readonly keys: Set<string>;
  readonly defines: Set<string>;
  /** The text around the group is compiled. */
  readonly outer: boolean;
  /** An arm was taken already. */
  taken: boolean;
  active: boolean;
}

/**
 * Keeps the tokens that a compiler would see. Conditions that the file does not decide itself are true or false as
 * `choices` says, else true. Throws `unclear` where they are nested too deeply.
 */
export function preprocess(lexed: Lexed, choices: Choices): Preprocessed {
  const tokens: Token[] = [];
  const groups: OpenGroup[] = [];
  const stack: Group[] = [];
  const definitions = new Map<string, { at: number; macro: Macro | undefined }[]>();
  let steps: number = LIMITS.sourceSteps;
  const facts = {
    macro(name: string): Macro | 'undefined' | undefined {
      const last = definitions.get(name)?.at(-1);
      return last === undefined ? undefined : (last.macro ?? 'undefined');
    },
    assume(key: string): boolean {
      stack.at(-1)?.keys.add(key);
      return choices.get(key) ?? true;
    },
    step(): void {
      steps -= 1;
      if (steps < 0) throw unclear('its #if lines take too many steps to decide');
    },
  };
  const close = (end: number): void => {
    const group = stack.pop();
    if (group === undefined) return;
    if (group.keys.size > 0)
      groups.push({ keys: group.keys, start: group.start, end, defines: group.defines });
    for (const name of group.defines) stack.at(-1)?.defines.add(name);
  };
  for (const item of lexed.items) {
    const active = stack.at(-1)?.active ?? true;
    if (item.kind !== 'directive') {
      if (active) tokens.push(item);
    } else if (item.name === 'endif') {
      close(item.end);
    } else if (/^(?:if|ifdef|ifndef)$/.test(item.name)) {
      const group = {
        start: item.start,
        keys: new Set<string>(),
        defines: new Set<string>(),
        outer: active,
        taken: false,
        active: false,
      };
      stack.push(group);
      if (stack.length > LIMITS.conditionDepth)
        throw unclear('its #if lines are nested too deeply', item.line);
      group.active = active && holds(item.name, item.args, facts);
      group.taken = group.active;
    } else if (/^(?:else|elif|elifdef|elifndef)$/.test(item.name)) {
      const group = stack.at(-1);
      if (group === undefined) continue;
      group.active =
        group.outer && !group.taken && (item.name === 'else' || holds(item.name, item.args, facts));
      group.taken ||= group.active;
    } else if (item.name === 'define' || item.name === 'undef') {
      const name = item.args[0]?.text ?? '';
      stack.at(-1)?.defines.add(name);
      if (!active) continue;
      const history = definitions.get(name) ?? [];
      history.push({ at: item.start, macro: item.name === 'define' ? macroOf(item) : undefined });
      definitions.set(name, history);
    }
  }
  while (stack.length > 0) close(Number.MAX_SAFE_INTEGER);
  return {
    tokens,
    groups,
    macroAt: (name, offset) => lastBefore(definitions.get(name) ?? [], offset)?.macro,
  };
}

/** Of definitions in the order of the text the last one before an offset, by bisection: each use asks for it. */
function lastBefore<Definition extends { readonly at: number }>(
  definitions: readonly Definition[],
  offset: number,
): Definition | undefined {
  return definitions[firstWhere(definitions.length, (at) => (definitions[at]?.at ?? 0) >= offset) - 1];
}

/** A macro is function-like where its parenthesis touches its name. */
function macroOf(directive: Directive): Macro {
  const [name, open] = directive.args;
  const rest = directive.args.slice(1);
  if (name === undefined || open?.text !== '(' || open.start !== name.end) return { body: rest };
  const close = rest.findIndex((token) => token.text === ')');
  const params = rest.slice(1, close < 0 ? rest.length : close).filter((token) => token.text !== ',');
  return { params: params.map((token) => token.text), body: close < 0 ? [] : rest.slice(close + 1) };
}

/** Up to so many open `#if` conditions every combination is examined; beyond, one condition at a time is turned. */
const MAX_FULL_KEYS = 5;
/** So many conditions are turned alone, in two ways each; what only others show is found by `complete`. */
const MAX_KEYS = 40;

/**
 * Every combination of those open conditions that touch the routine or a macro used in it. `complete` is false where
 * there are too many to examine them all. The caller preprocesses each when its turn comes: all at once would not fit
 * into memory.
 */
export function configurations(lexed: Lexed): { choices: readonly Choices[]; complete: boolean } {
  const yes = preprocess(lexed, new Map());
  const keys = new Set<string>();
  const leaves: Choices[] = [];
  const explore = (choices: Choices, source: Preprocessed): void => {
    const open = openKeys(source).filter((key) => !choices.has(key));
    for (const key of open) keys.add(key);
    const [next] = open;
    if (next === undefined || keys.size > MAX_FULL_KEYS) {
      leaves.push(choices);
      return;
    }
    // Silence means true, so the positive choice leaves the source as it is.
    explore(new Map([...choices, [next, true]]), source);
    const no = new Map([...choices, [next, false]]);
    explore(no, preprocess(lexed, no));
  };
  explore(new Map(), yes);
  const complete = keys.size <= MAX_FULL_KEYS;
  return { choices: complete ? leaves : oneByOne(lexed, yes), complete };
}

/** All conditions true, all false, and each of them turned alone in both. */
function oneByOne(lexed: Lexed, yes: Preprocessed): Choices[] {
  const keys = new Set(openKeys(yes));
  let no: Choices = new Map();
  // Arms that were left out before may bring new conditions.
  for (let before = -1, turns = 0; before !== keys.size && turns < MAX_KEYS; turns += 1) {
    before = keys.size;
    no = new Map([...keys].map((key) => [key, false]));
    for (const key of openKeys(preprocess(lexed, no))) keys.add(key);
  }
  const all = [...keys].slice(0, MAX_KEYS);
  const off = new Map(all.map((key) => [key, false] as const));
  const turned = all.flatMap((key) => [new Map([[key, false]]), new Map([...off, [key, true]])]);
  return [new Map(), no, ...turned];
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
