import { explained } from './events.ts';

/** A terminal is at least this wide: only a line of this length was broken within a word or number that is whole as it is. */
export const LEAST_WIDTH = 60;
/** Behind a name that is not at its end, a hyphen or a dot of it may stand. */
export const MAX_MARKS = 2;

/** How the rest of a number or of a device’s name looks: `0008`, `-0`, `a1.`; no word of another message. */
const REST = /^(?:-?\d[\da-f]{0,11}|[a-f]{1,8}\d[\da-f]{0,8}|[a-z]{1,2}\d{0,3}(?=[.,):]|$))(?![\w:])/i;

/** A line with those that go on with it. */
interface Join {
  readonly text: string;
  /** How many of the following lines are in it. */
  readonly count: number;
  /** How many characters of it, without white space, are explained. */
  readonly reach: number;
}

/** Joins as many lines as a message goes across: with a space, as mail programs break, or without, as terminals do. Undefined where none does. */
export function bestJoin(line: string, following: readonly string[]): Join | undefined {
  const alone = explained(line) ?? [];
  const final = alone.at(-1);
  const isWhole =
    final?.isPrefix === false && !final.isOpen && line.slice(final.end).trim().length <= MAX_MARKS;
  const joins = [joinWith(' ', line, following)];
  // A number that is whole as it is goes on only where a line is so long that a terminal broke it.
  const [next = ''] = following;
  // Two whole messages are two.
  if (isWhole && (explained(next) ?? []).length > 0) return undefined;
  const mayGoOn = line.length >= LEAST_WIDTH && /[\w-]$/.test(line) && REST.test(next);
  if (!isWhole || mayGoOn) joins.push(joinWith('', line, following));
  const [best] = joins
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count || other.reach - one.reach);
  return best;
}

function joinWith(glue: ' ' | '', line: string, following: readonly string[]): Join {
  const joints: number[] = [];
  let text = glue === '' ? line : line.trimEnd();
  for (const next of following) {
    joints.push(text.length);
    text += glue === '' ? next : `${glue}${next.trim()}`;
  }
  const spans = explained(text) ?? [];
  const isInside = (joint: number): boolean =>
    spans.some(
      ({ start, end, isPrefix }) =>
        start < joint && (isPrefix ? end >= joint + glue.length : end > joint + glue.length),
    );
  const apart = joints.findIndex((joint) => !isInside(joint));
  const count = apart === -1 ? joints.length : apart;
  const last = joints[count - 1] ?? 0;
  const reached = spans.filter(({ start }) => start < last).at(-1)?.end ?? 0;
  const reach = text.slice(0, reached).replace(/\s/g, '').length;
  return { text: text.slice(0, joints[count] ?? text.length), count, reach };
}
