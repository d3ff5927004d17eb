import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import { generations } from '../../src/install/generations.ts';
import { type Installation, install } from '../../src/install/install.ts';
import { planRollback, rollback } from '../../src/install/rollback.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { faultyTarget } from '../faults/faulty-target.ts';
import { finishOpen } from '../faults/finish-open.ts';
import { listing } from '../helpers/listing.ts';
import { sh, temporary } from '../machine/temporary.ts';
import { installationOf, RELEASE, type SmallGuest, smallGuest } from './small-guest.ts';

/** A file system of its own in a file, which can be filled, made read-only, or lose its power. */
interface Disk {
  readonly root: string;
  readonly image: string;
  readonly target: Target;
  unmount(): void;
}

/** The guest's whole tree in an image that each point of a matrix gets a copy of. */
async function template(guest: SmallGuest): Promise<string> {
  const folder = await temporary();
  const image = join(folder, 'template.img');
  // sync: a mount namespace of another test may hold the mount for longer than this one does.
  sh(
    `truncate -s 24M "$1"
     mkfs.ext4 -q -m 0 -E lazy_itable_init=0,lazy_journal_init=0 "$1"
     mkdir "$3"; mount -o loop "$1" "$3"; rmdir "$3/lost+found"; cp -a "$2/." "$3"; sync -f "$3"; umount "$3"`,
    image,
    guest.root,
    `${image}.root`,
  );
  return image;
}

function mounted(template: string, name: string): Disk {
  const image = `${template}.${name}`;
  const root = `${image}.root`;
  // A commit of the journal comes when something asks for it, not by the clock.
  sh('cp --sparse=always "$1" "$2"; mkdir "$3"; mount -o loop,commit=300 "$2" "$3"', template, image, root);
  return {
    root,
    image,
    target: rootTarget(root, { dryRun: false }),
    unmount: () => void sh('mountpoint -q "$1" || exit 0; umount "$1"; rmdir "$1"; rm "$2"', root, image),
  };
}

/** Everything but mptfix's own state and the time of the folder that it is in. */
function whole(root: string): string[] {
  return [
    ...listing(root, { without: ['var/lib/mptfix', 'filler', 'lost+found'] }).filter(
      (line) => !line.startsWith('var/lib ') && !line.startsWith(' d '),
    ),
    sh('cd "$1"; getfattr -R -P -d lib 2>/dev/null || true', root),
  ];
}

/** Two installed trees are the same but for the moment at which they were made. */
function timeless(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^(\S+ [fd] \S+ \S+) \d+/, '$1'));
}

const ACTS = {
  install: async (target: Target, wanted: Installation) => void (await install(target, wanted)),
  rollback: async (target: Target, _wanted: Installation) => {
    const plan = await planRollback(target, { kernel: RELEASE, to: 0, force: false });
    for (const generation of plan.undo) await rollback(target, generation);
  },
} as const;

type Act = keyof typeof ACTS;

async function attempt(act: Act, target: Target, wanted: Installation): Promise<string> {
  try {
    await ACTS[act](target, wanted);
    return 'done';
  } catch (error) {
    return isFailure(error) ? error.failure.code : `E_INTERNAL ${String(error)}`;
  }
}

/** How many effects an act has, an image of the state that it begins in, and that state and the pristine one. */
async function prepare(act: Act) {
  const guest = await smallGuest();
  const wanted = await installationOf(guest);
  const pristine = whole(guest.root);
  if (act === 'rollback') await ACTS.install(guest.target, wanted);
  const before = whole(guest.root);
  const image = await template(guest);
  const { target, effects } = faultyTarget(guest.target, { at: 0 });
  await ACTS[act](target, wanted);
  return { wanted, image, effects: effects.length, pristine, before, after: whole(guest.root) };
}

/**
 * The next command puts things back; then the guest is as it was, or as the act leaves it, and nothing else. Answers what
 * is otherwise.
 */
async function settleAndCompare(
  act: Act,
  target: Target,
  root: string,
  states: { readonly pristine: string[]; readonly before: string[]; readonly after: string[] },
): Promise<readonly string[]> {
  await finishOpen(target);
  const last = (await generations(target)).at(-1);
  const isIn = last?.state === 'installed';
  // A rollback whose first line could not be written was not begun.
  const inForce = act === 'install' ? states.after : states.before;
  const expected = isIn ? timeless(inForce) : states.pristine;
  const found = isIn ? timeless(whole(root)) : whole(root);
  return [...difference(found, expected), ...leftovers(root)];
}

function difference(found: readonly string[], expected: readonly string[]): readonly string[] {
  return [
    ...found.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`),
    ...expected.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
  ];
}

function leftovers(root: string): string[] {
  return sh('find "$1" -name "*.tmp" -o -name "modules.*.*.*.*" -o -name tmp -path "*/generations/*"', root)
    .split('\n')
    .filter(Boolean);
}

interface Trouble {
  /** Brings it about on the mounted tree; `$1`. */
  readonly start: string;
  readonly end: string;
}

/** Real ones: the kernel answers so, no stand-in does. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  // To the last block: what a large file leaves is filled with small ones.
  ENOSPC: {
    start: `mkdir "$1/filler"; cat /dev/zero > "$1/filler/large" 2>/dev/null || true; sync -f "$1"
            n=0; while head -c 1024 /dev/zero 2>/dev/null > "$1/filler/$n"; do n=$((n + 1)); done; sync -f "$1"`,
    end: 'rm -rf "$1/filler"; sync -f "$1"',
  },
  EROFS: { start: 'mount -o remount,ro "$1"', end: 'mount -o remount,rw "$1"' },
  // Immutable folders refuse even root; the kernel's word for it is EPERM.
  EACCES: {
    start: 'find "$1" -type d -exec chattr +i {} +',
    end: 'find "$1" -type d -exec chattr -i {} +',
  },
};

describe('at every effect, put back at once or by the next command, never between:', () => {
  for (const act of ['install', 'rollback'] as const) {
    for (const [name, trouble] of Object.entries(TROUBLES)) {
      test(`${name} during ${act}`, async () => {
        const made = await prepare(act);
        const answers = new Map<string, number>();
        const lost: unknown[] = [];
        for (let at = 1; at <= made.effects; at += 1) {
          const disk = mounted(made.image, String(at));
          try {
            const { target, effects } = faultyTarget(disk.target, {
              at,
              before: () => void sh(trouble.start, disk.root),
            });
            const answer = await attempt(act, target, made.wanted);
            const what = `effect ${at} of ${made.effects}, ${effects[at - 1]}: ${answer}`;
            answers.set(answer, (answers.get(answer) ?? 0) + 1);
            // As it was, at once.
            const atOnce = answer === 'E_INSTALL' ? difference(whole(disk.root), made.before) : [];
            sh(trouble.end, disk.root);
            const wrong = [...atOnce, ...(await settleAndCompare(act, disk.target, disk.root, made))];
            if (wrong.length > 0) lost.push([what, wrong]);
          } finally {
            disk.unmount();
          }
        }
        expect(lost).toEqual([]);
        const counts = [...answers].map(([code, count]) => `${code} ${count}`).join(', ');
        console.log(`${act} under ${name}: ${made.effects} points tried, ${lost.length} lost (${counts})`);
      }, 300_000);
    }
  }
});

describe('a power cut at every effect: the next command puts back what the disk holds', () => {
  for (const act of ['install', 'rollback'] as const) {
    test(act, async () => {
      const made = await prepare(act);
      const disk = mounted(made.image, 'live');
      try {
        const snapshots: string[] = [];
        // The image has what the kernel has handed to the disk, and nothing of what is still in memory.
        const cut = (): void => {
          const copy = `${disk.image}.${snapshots.length}`;
          sh('cp --sparse=always "$1" "$2"', disk.image, copy);
          snapshots.push(copy);
        };
        await ACTS[act](faultyTarget(disk.target, { at: 'each', before: cut }).target, made.wanted);
        cut();
        expect(snapshots.length).toBe(made.effects + 1);
        const lost: unknown[] = [];
        for (const [index, snapshot] of snapshots.entries()) {
          const reborn = mounted(snapshot, 'reborn');
          try {
            const wrong = await settleAndCompare(act, reborn.target, reborn.root, made);
            if (wrong.length > 0) lost.push([`cut ${index} of ${snapshots.length}`, wrong]);
          } finally {
            reborn.unmount();
          }
        }
        expect(lost).toEqual([]);
        console.log(`${act} under a power cut: ${snapshots.length} points tried, ${lost.length} lost`);
      } finally {
        disk.unmount();
      }
    }, 120_000);
  }
});
