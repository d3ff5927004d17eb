import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import { hardenUser } from '../../src/harden/handlers.ts';
import { generations } from '../../src/install/generations.ts';
import { prunable, prune } from '../../src/install/prune.ts';
import { planRollback, rollback } from '../../src/install/rollback.ts';
import { installUser } from '../../src/install/user.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { guestStatus } from '../../src/status/status.ts';
import { planFile } from '../../src/transaction/files.ts';
import { nextNumber, perform } from '../../src/transaction/perform.ts';
import { interrupted, settle } from '../../src/transaction/settle.ts';
import { transactions } from '../../src/transaction/store.ts';
import { undo } from '../../src/transaction/undo.ts';
import { scheduleUser } from '../../src/watch/schedule/user.ts';
import { listing } from '../helpers/listing.ts';
import { installed, RELEASE, smallGuest } from '../install/small-guest.ts';
import { put, sh, temporary } from '../machine/temporary.ts';

import { damage, inflict, STATE, spelled, UUID } from './state-damage.ts';

/*
 * A guest's state may come from anybody. Real states (a finished and an unfinished installation, a set of harden, an
 * interrupted installation of the watch) are damaged or forged, and everything that reads a state is run over it. The
 * folder HOST beside the tree stands for the machine that mptfix runs on.
 */

/** A tree with a state of every kind, and the host's folder beside it. Answers the folder that holds both. */
async function prepared(): Promise<string> {
  const guest = await smallGuest();
  await put(guest.root, {
    'etc/os-release': 'ID=debian\nVERSION_ID=12\nPRETTY_NAME="Debian 12"\n',
    'etc/fstab': '/dev/sda1 / ext4 errors=continue 0 1\n',
    'root/secret': 'root:x\n',
    'etc/cron.d/x': '',
    'boot/x': '',
  });
  await installed(guest, 2);
  await installed(guest, 3);
  const { target } = guest;
  const content = Buffer.from('/dev/sda1 / ext4 errors=panic 0 1\n');
  const fstab = { path: '/etc/fstab', content, what: 'a policy', mode: 0o644 };
  await perform(target, hardenUser, { planned: await planFile(target, fstab) });
  const cron = { path: '/etc/cron.d/mptfix-watch', content, what: 'a job', mode: 0o644 };
  // As a kill at its end leaves it.
  const stop = async (): Promise<void> => {
    sh('cp -a "$1/schedule" "$1/kept"', join(guest.root, STATE));
  };
  await perform(target, scheduleUser, { planned: await planFile(target, cron), finish: stop });
  sh('rm -rf "$1/schedule"; mv "$1/kept" "$1/schedule"', join(guest.root, STATE));
  // The second installation was stopped before its end.
  rmSync(join(guest.root, STATE, 'generations/2/manifest.json'));
  sh(`sed -i '$d' "$1/generations/2/journal.ndjson"`, join(guest.root, STATE));
  const both = await temporary({
    'host/file': 'the host’s\n',
    'host/file.ko': '',
    'host/modules.dep': 'mine\n',
  });
  sh('mkfs.ext4 -q -F -U "$2" -e continue "$1" 1M', join(both, 'host/image'), UUID);
  sh('cp -a "$1" "$2"', guest.root, join(both, 'tree'));
  return both;
}

const USERS = [installUser, hardenUser, scheduleUser];

async function rollBackAll(target: Target): Promise<void> {
  for (const { kernel } of await generations(target)) {
    const { undo: all } = await planRollback(target, { kernel, to: 0, force: true });
    for (const generation of all) await rollback(target, generation, true);
  }
}

/** What reads a state, and what may write because an admin asked for that: both as the commands do it. */
const READS: Readonly<Record<string, (target: Target) => Promise<unknown>>> = {
  status: (target) => guestStatus(target, RELEASE),
  interrupted: (target) => interrupted(target, () => {}),
  'rollback --dry-run': (target) => planRollback(target, { kernel: RELEASE, to: 0, force: false }),
  'status --prune --dry-run': (target) => prunable(target, RELEASE),
  harden: (target) => transactions(target, 'harden'),
};
const WRITES: Readonly<Record<string, (target: Target) => Promise<unknown>>> = {
  'the start of apply': async (target) => {
    await settle(target, USERS, 'install');
    await nextNumber(target, 'install');
  },
  'status --prune': async (target) => {
    for (const one of await prunable(target, RELEASE)) await prune(target, one);
  },
  rollback: async (target) => {
    await settle(target, USERS, 'install', { force: true });
    await rollBackAll(target);
  },
  'harden --undo': async (target) => {
    await settle(target, USERS, 'harden', { force: true });
    for (const one of (await transactions(target, 'harden')).toReversed())
      await undo(target, hardenUser, one, { force: true });
  },
  'watch uninstall': (target) => settle(target, USERS, 'schedule', { leave: true }),
};

/** Milliseconds: each takes a moment, but beside ten other programs on two cores one took 20 seconds. */
const LONGEST = 120_000;

interface Ending {
  readonly code?: string;
  /** What is no error of ours that says what to do. */
  readonly trouble?: string | undefined;
}

async function ending(act: Promise<unknown>): Promise<Ending> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Ending>((resolve) => {
    timer = setTimeout(() => resolve({ trouble: 'it does not end' }), LONGEST);
  });
  const ended = act.then(
    () => ({}),
    (error: unknown) => {
      const isOurs = isFailure(error) && error.failure.code !== 'E_INTERNAL' && error.failure.next !== '';
      if (isOurs) return { code: error.failure.code };
      return { trouble: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    },
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

const names = (folder: string): string =>
  sh('cd "$1" && find . -printf "%p %y %m %s %T@ %l\\n" | sort', folder);

test('whatever a tree’s state says: nothing outside the tree is written, and no command crashes or hangs', async () => {
  const whole = await prepared();
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (all) => {
      const both = await temporary();
      const [host, tree] = [join(both, 'host'), join(both, 'tree')];
      sh('cp -a "$1/." "$2"', whole, both);
      for (const one of spelled(all, host)) tryTo(() => inflict(join(tree, STATE), one));
      try {
        const kept = (): string[] => [...listing(host), ...listing(join(tree, 'root'))];
        const before = kept();
        const untouched = names(tree);
        const reader = rootTarget(tree, { dryRun: true });
        for (const [name, act] of Object.entries(READS))
          expect([name, (await ending(act(reader))).trouble]).toEqual([name, undefined]);
        expect(names(tree)).toBe(untouched);
        const writer = rootTarget(tree, { dryRun: false });
        for (const [name, act] of Object.entries(WRITES)) {
          const { code, trouble } = await ending(act(writer));
          if (code === 'E_STATE_UNSAFE') refused += 1;
          expect([name, trouble]).toEqual([name, undefined]);
        }
        expect(kept()).toEqual(before);
      } finally {
        rmSync(both, { recursive: true, force: true });
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
  // The forgeries do reach what refuses them.
  expect(refused).toBeGreaterThan(25);
}, 600_000);

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // What an earlier damage has taken away cannot be damaged once more.
  }
}
