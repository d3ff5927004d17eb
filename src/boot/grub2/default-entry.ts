import { type Command, literal, type Script } from './script.ts';

/**
 * The numbers by which the menu may choose its default or its next entry: of grub.cfg's own `default`, and of what
 * grub-set-default and grub-reboot have left in grubenv. Names and ids are no matter: the new entry has its own. Of a
 * path such as `1>2` the first number counts.
 */
export function defaultNumbers(script: Script, environments: readonly string[]): readonly number[] {
  const words = script.commands.flatMap(({ words }) => words.map((word) => literal(script, word) ?? ''));
  const saved = environments.flatMap((text) => text.split('\n'));
  return [
    ...words.map((word) => /^default=(\d{1,9})(?:>|$)/.exec(word)?.[1]),
    ...saved.map((line) => /^(?:saved|prev_saved|next)_entry=(\d{1,9})(?:>|$)/.exec(line)?.[1]),
  ].flatMap((number) => (number === undefined ? [] : [Number(number)]));
}

/** How many entries the menu has at its top before a place in the text. */
export function entriesBefore(script: Script, place: number): number {
  const isEntry = ({ words: [first], parent }: Command): boolean =>
    parent === undefined &&
    first !== undefined &&
    first.from < place &&
    ['menuentry', 'submenu'].includes(literal(script, first) ?? '');
  return script.commands.filter(isEntry).length;
}
