import { CUT_KINDS, type CutKind } from './disk.ts';
import { below, type Random } from './random.ts';

/** A command that the power is cut in. */
export interface Way {
  readonly name: string;
  readonly command: 'apply' | 'rollback';
  /** What is installed when it begins. */
  readonly start: 'original' | 'patched';
  /** What is typed in the guest. */
  readonly words: (release: string) => string;
  readonly stretches: readonly Stretch[];
}

/**
 * A stretch of a command that cuts are drawn from: it begins when this line of the journal reaches the disk, or with the
 * command's answer, and lasts so many ms, or so many further writes.
 */
export interface Stretch {
  readonly after: string;
  readonly unit: 'ms' | 'writes';
  readonly upTo: number;
}

/** The command has ended, with success. */
export const ANSWERED = 'answered';
/** The end of the longest step. What comes later is reached from a machine that was saved here. */
export const MIDDLE = 'done image-build';

/** Of lab/systemd’s tree. */
export const MPTFIX = '/opt/mptfix/node /opt/mptfix/bin/mptfix.cjs';
const BUNDLE = 'sh /opt/lab/output/*.run';
const placed = (placement: string) => (release: string) =>
  `/opt/mptfix/node /opt/lab/install.mjs /opt/lab/output ${release} ${placement}`;

/** In writes, as far as the command writes soon; a guest under emulation writes some hundred in an image-build. */
const BEFORE_IMAGE: readonly Stretch[] = [
  { after: 'intent module', unit: 'writes', upTo: 10 },
  { after: 'intent kept-image', unit: 'writes', upTo: 6 },
  { after: 'intent image-build', unit: 'ms', upTo: 40_000 },
];
const FROM_MIDDLE: readonly Stretch[] = [
  { after: 'intent image', unit: 'writes', upTo: 8 },
  { after: 'done image', unit: 'ms', upTo: 3000 },
  { after: 'committed', unit: 'writes', upTo: 2 },
  { after: ANSWERED, unit: 'ms', upTo: 200 },
];
const UNDO: readonly Stretch[] = [
  { after: 'rolling-back', unit: 'writes', upTo: 8 },
  { after: 'rolling-back', unit: 'ms', upTo: 1500 },
  { after: 'rolled-back', unit: 'writes', upTo: 2 },
  { after: ANSWERED, unit: 'ms', upTo: 200 },
];

export const WAYS = [
  {
    name: 'apply',
    command: 'apply',
    start: 'original',
    words: placed('in-place'),
    stretches: [{ after: 'begin', unit: 'writes', upTo: 3 }, ...BEFORE_IMAGE, ...FROM_MIDDLE],
  },
  {
    name: 'apply-updates',
    command: 'apply',
    start: 'original',
    words: placed('updates'),
    stretches: [
      { after: 'intent folder', unit: 'writes', upTo: 4 },
      { after: 'intent module', unit: 'writes', upTo: 10 },
      { after: 'intent index', unit: 'ms', upTo: 4000 },
      { after: 'done index', unit: 'writes', upTo: 3 },
      ...FROM_MIDDLE,
    ],
  },
  {
    name: 'bundle-apply',
    command: 'apply',
    start: 'original',
    words: () => `${BUNDLE} apply --yes --json`,
    stretches: [...BEFORE_IMAGE, ...FROM_MIDDLE],
  },
  {
    name: 'rollback',
    command: 'rollback',
    start: 'patched',
    words: () => `${MPTFIX} rollback --yes --json`,
    stretches: UNDO,
  },
  {
    name: 'bundle-rollback',
    command: 'rollback',
    start: 'patched',
    words: () => `${BUNDLE} rollback --yes --json`,
    stretches: UNDO,
  },
] as const satisfies readonly Way[];
export type WayName = (typeof WAYS)[number]['name'];

/** One power cut that is to be made. */
export interface Cut {
  readonly number: number;
  readonly way: WayName;
  /** From where it counts, and how much later: 0 is at the line itself, before its write is answered. */
  readonly after: string;
  readonly unit: Stretch['unit'];
  readonly later: number;
  readonly kind: CutKind;
  /** What is typed after the next boot. */
  readonly next: 'apply' | 'rollback';
  /** For what the disk loses. */
  readonly seed: number;
}

/** How many cuts of each way there are in a whole run: 20 of `apply`, 10 of `rollback`. */
const SHARES: Readonly<Record<WayName, number>> = {
  apply: 8,
  'apply-updates': 6,
  'bundle-apply': 6,
  rollback: 6,
  'bundle-rollback': 4,
};
/** An `apply` of a guest takes more than a minute under emulation: one of so many runs is followed by one. */
const APPLIES_EVERY = 5;

/** Draws the moments. Every stretch of a way comes before any comes again; half of the cuts fall on the line itself. */
export function drawCuts(random: Random): readonly Cut[] {
  const ways = WAYS.flatMap(({ name, stretches }) =>
    drawn(stretches, SHARES[name], random).map((stretch) => ({ way: name, stretch })),
  );
  return ways.map(({ way, stretch: { after, unit, upTo } }, index) => ({
    number: index + 1,
    way,
    after,
    unit,
    later: below(random, 2) === 0 ? 0 : 1 + below(random, upTo),
    kind: CUT_KINDS[index % CUT_KINDS.length] ?? 'written',
    next: index % APPLIES_EVERY === APPLIES_EVERY - 1 ? 'apply' : 'rollback',
    seed: below(random, 2 ** 31),
  }));
}

function drawn<T>(all: readonly T[], count: number, random: Random): readonly T[] {
  const result: T[] = [];
  let left: T[] = [];
  while (result.length < count) {
    if (left.length === 0) left = [...all];
    result.push(...left.splice(below(random, left.length), 1));
  }
  return result;
}

export function wayOf(name: WayName): Way {
  const way = WAYS.find((one) => one.name === name);
  if (way === undefined) throw new Error(`no way is named ${name}`);
  return way;
}

/** Whether it comes after the longest step of its way, so that a machine saved there can go on to it. */
export function isAfterMiddle({ way, after }: Pick<Cut, 'way' | 'after'>): boolean {
  return wayOf(way).command === 'apply' && FROM_MIDDLE.some((stretch) => stretch.after === after);
}
