import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { buildBench } from '../helpers/build.ts';
import { json, mptfix, type RunSettings } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { momentsWithin } from '../helpers/moments.ts';
import { type SlimGuest, slimGuest } from '../helpers/slim-guest.ts';
import { BOTH_GONE, unread } from '../helpers/unread.ts';

const fixture = inject('fixture');
const { source } = fixture;
// Where the compiler's user can read them: a copy would take longer than all the rest, and be what is interrupted.
const { headers } = buildBench(fixture);
const STATE = { without: ['var/lib/mptfix'] };
let work = '';
/** The build is made once, where only the installation counts. */
let built: RunSettings = {};

beforeAll(() => {
  const base = dirname(dirname(fixture.guest));
  work = mkdtempSync(join(base, 'interrupted-'));
  execFileSync('chmod', ['755', work]);
  built = { env: { XDG_CACHE_HOME: mkdtempSync(join(base, 'interrupted-cache-')) } };
});
afterAll(() => {
  for (const folder of [work, built.env?.XDG_CACHE_HOME ?? ''])
    rmSync(folder, { recursive: true, force: true });
});

function apply(guest: SlimGuest): string[] {
  const inputs = ['--source', source, '--headers', headers()];
  return ['apply', '--root', guest.root, ...inputs, '--yes', '--json', '--work', work];
}

async function onGuest(body: (guest: SlimGuest) => Promise<void>): Promise<void> {
  const guest = slimGuest(fixture);
  // The folder is there on every real guest; its time is part of what must not change.
  mkdirSync(guest.at('var/lib'), { recursive: true });
  try {
    await body(guest);
  } finally {
    guest.dispose();
  }
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

test('a second run at the same time ends with 12 and writes nothing; the first is not disturbed', () =>
  onGuest(async (guest) => {
    const first = mptfix(apply(guest));
    await compiling();
    const second = await mptfix(apply(guest));
    expect([second.status, json(second).error.code]).toEqual([12, 'E_LOCKED']);
    const rollback = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
    expect(rollback.status).toBe(12);
    expect((await first).status).toBe(0);
    // The lock is gone with the run.
    expect((await mptfix(['rollback', '--root', guest.root, '--yes'])).status).toBe(0);
  }));

describe('a signal before the installation leaves the guest as it was, no child and no work folder:', () => {
  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    test(signal, () =>
      onGuest(async (guest) => {
        const before = listing(guest.root);
        // In the middle of the compilation.
        const run = await mptfix(apply(guest), {
          started: async (kill) => {
            await compiling();
            kill(signal);
          },
        });
        expect([run.status, json(run).error.code]).toEqual([status, 'E_INTERRUPTED']);
        expect(listing(guest.root)).toEqual(before);
        expect(readdirSync(work)).toEqual([]);
        expect(processesIn(work)).toEqual([]);
      }),
    );
  }
});

test('an installation whose output nobody reads is finished, and so is its rollback', () =>
  onGuest(async (guest) => {
    const before = listing(guest.root, STATE);
    expect(unread(BOTH_GONE, ...apply(guest)).status).toBe(0);
    expect(json(await mptfix(['status', '--root', guest.root, '--json'])).state).toBe('patched');
    expect(unread(BOTH_GONE, 'rollback', '--root', guest.root, '--yes').status).toBe(0);
    expect(listing(guest.root, STATE).filter(notStateParent)).toEqual(before.filter(notStateParent));
  }));

/** Waits until a make of ours runs. */
async function compiling(): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (processesIn(work).length > 0) return;
    await wait(20);
  }
  throw new Error('no compilation was seen');
}

/** Command lines that name the folder, but for the run itself. */
function processesIn(folder: string): string[] {
  const text = execFileSync('ps', ['-eo', 'stat=,args=']).toString();
  return text
    .split('\n')
    .filter((line) => line.includes(folder) && / make |cc1|modpost/.test(line) && !line.startsWith('Z'));
}

/** The folder that the state folder was made in has a new time where the run came that far. */
function notStateParent(line: string): boolean {
  return !line.startsWith('var/lib ');
}

describe('killed at any moment, the next command finds the guest before or after, never between', () => {
  /** Answers whether the run was still there at that moment. */
  async function killed(delay: number, settings: RunSettings): Promise<boolean> {
    let signal: NodeJS.Timeout | undefined;
    let isKilled = false;
    await onGuest(async (guest) => {
      const before = listing(guest.root, STATE);
      await mptfix(apply(guest), {
        ...settings,
        started: (kill) => {
          signal = setTimeout(() => {
            isKilled = true;
            kill('SIGKILL');
          }, delay);
        },
      });
      clearTimeout(signal);
      const status = json(await mptfix(['status', '--root', guest.root, '--json']));
      expect(['original', 'patched', 'interrupted']).toContain(status.state);
      const back = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
      expect([back.status, back.stderr.includes('E_')]).toEqual([0, false]);
      expect(listing(guest.root, STATE).filter(notStateParent)).toEqual(before.filter(notStateParent));
      expect((await mptfix(apply(guest), built)).status).toBe(0);
    });
    return isKilled;
  }

  test.each([300, 900, 1400, 1900])('SIGKILL after %i ms of a run that builds', async (delay) => {
    await killed(delay, {});
  });

  test('SIGKILL at seven moments of one that finds the module built', { timeout: 900_000 }, async () => {
    let length = 0;
    await onGuest(async (guest) => {
      await mptfix(apply(guest), built);
      expect((await mptfix(['rollback', '--root', guest.root, '--yes'])).status).toBe(0);
      const started = performance.now();
      expect((await mptfix(apply(guest), built)).status).toBe(0);
      length = performance.now() - started;
    });
    const moments = momentsWithin(length);
    // The installation itself is within the last part of the run.
    for (const part of [0.15, 0.4, 0.55, 0.65, 0.75, 0.85, 0.95])
      await moments.at(part, (delay) => killed(delay, built));
  });
});

test('a full disk is found before the first write, with the numbers: exit 3', () =>
  onGuest(async (guest) => {
    const small = join(work, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192m,mode=755', 'tmpfs', small]);
    try {
      execFileSync('cp', ['-a', `${guest.root}/.`, small]);
      execFileSync('sh', [
        '-c',
        'df --output=avail -k "$0" | tail -n 1 | { read free; head -c "$((free - 600))k" /dev/zero > "$0/filler"; }',
        small,
      ]);
      const before = listing(small);
      const run = await mptfix(['apply', '--root', small, '--source', source, '--yes', '--json']);
      expect([run.status, json(run).error.code]).toEqual([3, 'E_NO_SPACE']);
      expect(json(run).error.what).toMatch(/needs [\d.]+ MiB free and has 0\.\d MiB/);
      expect(listing(small)).toEqual(before);
      expect(existsSync(join(small, 'var/lib/mptfix'))).toBe(false);
    } finally {
      execFileSync('umount', [small]);
      rmSync(small, { recursive: true });
    }
  }));

test('a depmod that fails: everything is put back, exit 8', () =>
  onGuest(async (guest) => {
    guest.put('usr/bin/kmod', '');
    const before = listing(guest.root);
    // A module in updates/ has to be entered into the index, and depmod cannot replace a folder by a file.
    guest.remove(`lib/modules/${fixture.release}/modules.symbols.bin`);
    mkdirSync(guest.at(`lib/modules/${fixture.release}/modules.symbols.bin/in-the-way`), { recursive: true });
    const spoiled = listing(guest.root);
    expect(spoiled).not.toEqual(before);
    const run = await mptfix([...apply(guest), '--placement', 'updates'], built);
    expect([run.status, json(run).error.code]).toEqual([8, 'E_INSTALL']);
    expect(listing(guest.root)).toEqual(spoiled);
  }));

describe('rollback', () => {
  test('does not overwrite what somebody else has put there since, but with --force', () =>
    onGuest(async (guest) => {
      expect((await mptfix(apply(guest), built)).status).toBe(0);
      const module = `lib/modules/${fixture.release}/kernel/drivers/message/fusion/mptscsih.ko`;
      guest.put(module, 'what a kernel update brought');
      const refused = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
      expect([refused.status, json(refused).error.code]).toEqual([3, 'E_FILE_CHANGED']);
      expect(json(refused).error.next).toContain('--force');
      const forced = await mptfix(['rollback', '--root', guest.root, '--yes', '--force', '--json']);
      expect([forced.status, json(forced).result]).toEqual([0, 'rolled-back']);
      expect((await mptfix(['check', '--root', guest.root])).status).toBe(10);
    }));

  test.each([
    // Its installation touches no index, and so does its rollback.
    ['in-place', 'restored'],
    ['updates', 'index rebuilt'],
  ])('keeps the index that another module was entered into since: %s', (placement, how) =>
    onGuest(async (guest) => {
      guest.put('usr/bin/kmod', '');
      expect((await mptfix([...apply(guest), '--placement', placement], built)).status).toBe(0);
      const folder = guest.at('lib/modules', fixture.release);
      execFileSync('sh', [
        '-c',
        'mkdir -p "$0/updates" && cp "$0/kernel/drivers/message/fusion/mptctl.ko" "$0/updates/mptctl.ko"',
        folder,
      ]);
      execFileSync('depmod', ['-b', guest.root, fixture.release]);
      const back = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
      expect(json(back)).toMatchObject({ result: 'rolled-back', index: how });
      const index = execFileSync('cat', [join(folder, 'modules.dep')]).toString();
      expect(index).toContain('updates/mptctl.ko:');
      expect(index).not.toContain('updates/mptscsih.ko');
    }),
  );

  test('--to a generation that is not there is refused; --dry-run writes nothing', () =>
    onGuest(async (guest) => {
      expect((await mptfix(apply(guest), built)).status).toBe(0);
      const patched = listing(guest.root);
      const missing = await mptfix(['rollback', '--root', guest.root, '--to', '7', '--yes', '--json']);
      expect([missing.status, json(missing).error.code]).toEqual([3, 'E_GENERATION_MISSING']);
      const dry = await mptfix(['rollback', '--root', guest.root, '--dry-run', '--json']);
      expect([dry.status, json(dry).result]).toEqual([0, 'planned']);
      expect(listing(guest.root)).toEqual(patched);
    }));

  test('a damaged manifest is not trusted', () =>
    onGuest(async (guest) => {
      expect((await mptfix(apply(guest), built)).status).toBe(0);
      guest.put('var/lib/mptfix/generations/1/originals.json', '{"files":[{"path":"/etc/shadow"}]}');
      const before = listing(guest.root);
      const run = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
      expect([run.status, json(run).error.code]).toEqual([3, 'E_STATE_UNSAFE']);
      expect(listing(guest.root)).toEqual(before);
    }));
});
