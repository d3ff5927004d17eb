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

/** What one choice of conditions leaves of a file. */
export interface Preprocessed {
  readonly tokens: readonly Token[];
  readonly groups: readonly OpenGroup[];
  /** The definition of a name in force at an offset of the text. */
  macroAt(name: string, offset: number): Macro | undefined;
}

/** Deeper than any driver; bounds the time for passing names up from one level to the next. */
const MAX_NESTING = 60;

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

interface Definition {
  readonly at: number;
  readonly macro: Macro | undefined;
}

/**
 * Keeps the tokens that a compiler would see. Conditions that the file does not decide itself are true or false as
 * `choices` says, else true. Throws `unclear` where they are nested too deeply.
 */
export function preprocess(lexed: Lexed, choices: ReadonlyMap<string, boolean>): Preprocessed {
  const tokens: Token[] = [];
  const groups: OpenGroup[] = [];
  const stack: Group[] = [];
  const definitions = new Map<string, Definition[]>();
  const facts = {
    macro(name: string): Macro | 'undefined' | undefined {
      const last = definitions.get(name)?.at(-1);
      return last === undefined ? undefined : (last.macro ?? 'undefined');
    },
    assume(key: string): boolean {
      stack.at(-1)?.keys.add(key);
      return choices.get(key) ?? true;
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
      if (stack.length > MAX_NESTING) throw unclear('its #if lines are nested too deeply', item.line);
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
    macroAt: (name, offset) => definitions.get(name)?.findLast((definition) => definition.at < offset)?.macro,
  };
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
