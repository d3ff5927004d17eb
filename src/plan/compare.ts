import type { Plan } from './document.ts';

/**
 * What differs between an earlier plan and one of now, a line a field; empty where they say the same. Images are compared
 * by their path, whatever their order. Steps follow from all else: they are named where nothing else differs.
 */
export function planDifferences(before: Plan, now: Plan): readonly string[] {
  const { images: imagesBefore, steps: stepsBefore, ...factsBefore } = before;
  const { images, steps, ...facts } = now;
  const causes = [
    ...differences('', factsBefore, facts),
    ...differences('image ', byPath(imagesBefore), byPath(images)),
  ];
  return causes.length > 0 ? causes : differences('steps', stepsBefore, steps);
}

function byPath(images: Plan['images']): Readonly<Record<string, object>> {
  return Object.fromEntries(images.map(({ path, ...rest }) => [path, rest]));
}

function differences(place: string, before: unknown, now: unknown): readonly string[] {
  if (isTree(before) && isTree(now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...keys].flatMap((key) => differences(inside(place, key), before[key], now[key]));
  }
  if (before === now) return [];
  if (before === undefined) return [`${place} is new: ${shown(now)}`];
  if (now === undefined) return [`${place} is gone: it was ${shown(before)}`];
  return [`${place} was ${shown(before)}, is ${shown(now)}`];
}

/** An object or a list: its fields are compared one by one. */
function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function inside(place: string, key: string): string {
  return place === '' || place.endsWith(' ') ? `${place}${key}` : `${place}.${key}`;
}

/** Values of a plan are short, but for texts of people. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
