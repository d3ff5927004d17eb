import { expect, test } from 'vitest';
import { readInstaller } from '../../../src/bundle/installer.ts';

/*
 * A POSIX sh has no variables of a function: what one assigns, all others see. Which the installer writes below, and what it
 * removes, must not be another's loop variable.
 */

/** What decides where the installer writes, and which functions may say it. */
const DECIDED_BY: Readonly<Record<string, readonly string[]>> = {
  root: ['main', 'set_root', 'start'],
  state: ['main', 'start'],
  state_name: ['main', 'start'],
  generations: ['main', 'start'],
  watch_name: ['choose_watch_place'],
  watch_place: ['choose_watch_place'],
  transaction: ['main', 'apply', 'put_all_back', 'on_exit'],
  generation: ['apply', 'undo_all'],
  record: ['apply', 'undo_all'],
  work: ['main', 'apply', 'undo_all'],
};

/** The text without what is quoted, and without comments: there no shell assigns. */
function bare(text: string): string {
  let out = '';
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (quote === '' && sign === '#' && /[\s;]/.test(text[at - 1] ?? '\n')) {
      at = text.indexOf('\n', at) - 1;
      if (at < 0) break;
      continue;
    }
    if (sign === '\\' && quote !== "'") {
      at += 1;
      continue;
    }
    if (quote === '' && (sign === "'" || sign === '"')) quote = sign;
    else if (quote !== '' && sign === quote) quote = '';
    else if (quote === '' || sign === '\n') out += sign;
  }
  return out;
}

/** The functions by the variables that they assign. */
function assignments(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  let name = '';
  for (const line of bare(text.replace(/<<'?END'?\n.*?\nEND\n/gs, '\n')).split('\n')) {
    name = /^([a-z_0-9]+)\(\) \{/.exec(line)?.[1] ?? (line === '}' ? '' : name);
    const variables = [
      ...[...line.matchAll(/(?:^|[\s;&|({])([a-z_][a-z_0-9]*)=/g)].map(([, variable = '']) => variable),
      ...[...line.matchAll(/\bfor ([a-z_][a-z_0-9]*) in/g)].map(([, variable = '']) => variable),
      ...[...line.matchAll(/\bread -r ((?:[a-z_][a-z_0-9]* ?)+)/g)].flatMap(([, names = '']) =>
        names.trim().split(' '),
      ),
    ];
    for (const variable of variables) found.set(variable, (found.get(variable) ?? new Set()).add(name));
  }
  return found;
}

test('what decides where the installer writes is assigned where it is decided, and nowhere else', async () => {
  const found = assignments(await readInstaller());
  for (const [variable, functions] of Object.entries(DECIDED_BY)) {
    const assigned = [...(found.get(variable) ?? [])];
    expect([variable, assigned.filter((name) => !functions.includes(name))]).toEqual([variable, []]);
    expect([variable, assigned.length > 0]).toEqual([variable, true]);
  }
});

test('an assignment is found wherever one can stand', () => {
  const text = `one() {\n  a=1 b='x
c=2' d="$e f=3"
  for g in x; do read -r h i; done
  # j=1
  : | k=1
}\ntwo() {\n  cat <<END\nl=1\nEND\n  m=\n}\n`;
  const all = [...assignments(text)].map(([variable, functions]) => `${variable}:${[...functions]}`);
  expect(all.sort()).toEqual(['a:one', 'b:one', 'd:one', 'g:one', 'h:one', 'i:one', 'k:one', 'm:two']);
});

test('nothing is removed with all in it but by discard, which knows what may be', async () => {
  const removals = bare(await readInstaller()).match(/rm -[a-z]*r.*$/gm) ?? [];
  expect(removals).toHaveLength(1);
});
