import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { proveInitramfs } from '../../src/initramfs/module.ts';
import { LIMITS } from '../../src/limits.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { finishOpen } from '../faults/finish-open.ts';
import type { FaultyResult, FaultyRun } from '../faults/run.ts';
import { buildBench } from '../helpers/build.ts';
import { json, mptfix, type Run } from '../helpers/cli.ts';
import { snapshot } from '../helpers/debian-tree.ts';
import { listing } from '../helpers/listing.ts';
import { momentsWithin } from '../helpers/moments.ts';
import { type AffectedGuest, affectedGuest } from './affected.ts';
import { inTurn } from './in-turn.ts';
import { variantOf } from './variant.ts';

const fixture = inject('fixture');
const debian = inject('debian');
const { release } = fixture;
const { headers } = buildBench(fixture);

/** Where an installation writes, and where its tools leave what they have not finished. */
const TOUCHED = [
  `usr/lib/modules/${release}`,
  'boot',
  'var/lib/initramfs-tools',
  'var/tmp',
  'tmp',
  'run',
  'dev',
  'proc',
  'sys',
];
const touched = (root: string): string[] =>
  TOUCHED.filter((path) => existsSync(join(root, path))).flatMap((path) => [
    path,
    ...listing(join(root, path)),
  ]);
/** Without times and without what of an image no second run makes again: its bytes. */
const timeless = (lines: readonly string[]): string[] =>
  lines.map((line) =>
    line.replace(/^(\S* [fdl] \S+ \S+) \d+/, '$1').replace(/^(initrd\S* f \S+ \S+ )[0-9a-f]{64}$/, '$1'),
  );

let work: string;
let guest: AffectedGuest;
let before: string[];
let patched: AffectedGuest;
let after: string[];
let settings: { readonly env: Readonly<Record<string, string>> };

/** As `snapshot`, but for what is written to in place: the journal is the copy's own. */
function copyOf(tree: string): ReturnType<typeof snapshot> {
  const copy = snapshot(tree);
  const state = join(copy.root, 'var/lib/mptfix');
  if (existsSync(state)) {
    rmSync(state, { recursive: true });
    execFileSync('cp', ['-a', join(tree, 'var/lib/mptfix'), state]);
  }
  return copy;
}

const applyArgs = (root: string): string[] => [
  ...['apply', '--root', root, '--source', fixture.source, '--work', work],
  ...['--headers', headers()],
  ...['--yes', '--json'],
];
const rollbackArgs = (root: string): string[] => ['rollback', '--root', root, '--yes', '--json'];

beforeAll(async () => {
  work = mkdtempSync(join(dirname(dirname(fixture.guest)), 'faults-'));
  execFileSync('chmod', ['755', work]);
  // The builds are made once: what is interrupted is the installation.
  settings = { env: { XDG_CACHE_HOME: mkdtempSync(join(work, 'cache-')) } };
  guest = await affectedGuest(debian.initramfsTools, fixture);
  before = touched(guest.root);
  patched = { ...guest, ...snapshot(guest.root) };
  const run = await mptfix(applyArgs(patched.root), settings);
  expect([run.status, run.stderr.includes('E_')]).toEqual([0, false]);
  after = touched(patched.root);
});
afterAll(() => {
  guest.dispose();
  patched.dispose();
  rmSync(work, { recursive: true, force: true });
});

async function holdsDiskModule(root: string): Promise<boolean> {
  const target = rootTarget(root, { dryRun: true });
  const file = await target.read(guest.modulePath, LIMITS.moduleBytes);
  return (await proveInitramfs(target, guest.image, { release, name: 'mptscsih', file })).ok;
}

/** What the next command finds and leaves: the guest before or after, module, index and initramfs of one mind. */
async function requireWhole(root: string, what: string): Promise<'before' | 'after'> {
  const status = json(await mptfix(['status', '--root', root, '--json'], settings));
  expect([what, ['original', 'patched', 'interrupted'].includes(status.state)]).toEqual([what, true]);
  // Reading tells, and changes nothing; the command that it names puts everything back.
  const unread = touched(root);
  const look = await mptfix(['check', '--root', root, '--json'], settings);
  const named = /to put everything back: `mptfix (.*)`$/m.exec(look.stderr)?.[1]?.split(' ');
  expect([what, named !== undefined, touched(root)]).toEqual([what, status.state === 'interrupted', unread]);
  const inForce = status.state === 'patched' ? status.generation.number : 0;
  const mended = await mptfix(named ?? ['rollback', '--to', String(inForce), '--root', root], settings);
  expect([what, mended.status, mended.stderr.includes('was interrupted')]).toEqual([
    what,
    0,
    status.state === 'interrupted',
  ]);
  // What is in force now: the verdict hangs on the module's bytes alone, and they are compared below.
  const isAfter = inForce > 0;
  const found = touched(root);
  expect([what, isAfter ? timeless(found) : found]).toEqual([what, isAfter ? timeless(after) : before]);
  expect([what, await holdsDiskModule(root)]).toEqual([what, true]);
  const names = ['-path', '*/mptfix/*', '(', '-name', '*.tmp', '-o', '-name', 'tmp', ')'];
  const leftovers = execFileSync('find', [join(root, 'var/lib'), ...names]);
  expect([what, leftovers.toString()]).toEqual([what, '']);
  return isAfter ? 'after' : 'before';
}

describe('SIGKILL before every effect, and after the last:', () => {
  const acts = [
    ['install', () => guest.root],
    ['rollback', () => patched.root],
  ] as const;
  test.each(acts)('%s', async (act, from) => {
    const newModule = join(work, `variant-${act}.ko`);
    writeFileSync(newModule, variantOf(guest.root, release));
    const run = { act, release, modulePath: guest.modulePath, images: true, newModule };
    const counting = copyOf(from());
    const { effects, code } = await faulty({ ...run, root: counting.root, at: 0 });
    const finished = timeless(touched(counting.root));
    counting.dispose();
    expect(code).toBe(null);
    const untouched = touched(from());
    const lost: unknown[] = [];
    for (let at = 1; at <= effects.length + 1; at += 1) {
      const { root, dispose } = copyOf(from());
      const last = at > effects.length;
      const killed = { ...run, root, at: last ? effects.length : at, killBefore: !last, killAfter: last };
      await expect(faulty(killed)).rejects.toThrow('SIGKILL');
      const what = `${act}, effect ${at} of ${effects.length}: ${effects[at - 1] ?? 'the end'}`;
      await finishOpen(rootTarget(root, { dryRun: false }));
      // An installation is in force with its last effect, and a rollback is not begun before its first.
      const isInForce = act === 'install' && last;
      const expected = isInForce ? finished : act === 'rollback' && at === 1 ? untouched : before;
      const found = isInForce ? timeless(touched(root)) : touched(root);
      const changed = found.filter((line) => !expected.includes(line));
      const missing = expected.filter((line) => !found.includes(line));
      const isHeld = await holdsDiskModule(root);
      if (changed.length + missing.length > 0 || !isHeld) lost.push({ what, changed, missing, isHeld });
      dispose();
    }
    expect(lost).toEqual([]);
    console.log(`${act} killed at every effect: ${effects.length + 1} points tried, ${lost.length} lost`);
  });
});

async function faulty(run: FaultyRun): Promise<FaultyResult> {
  const child = spawn(process.execPath, [resolve('test/faults/run.ts'), JSON.stringify(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (signal !== null) throw new Error(signal);
  return JSON.parse(Buffer.concat(out).toString('utf8'));
}

/** Milliseconds that a command takes when nothing happens to it. */
async function durationOf(args: (root: string) => string[], from: string): Promise<number> {
  const { root, dispose } = copyOf(from);
  const started = performance.now();
  expect((await mptfix(args(root), settings)).status).toBe(0);
  const taken = performance.now() - started;
  dispose();
  return taken;
}

async function interrupted(
  args: string[],
  delay: number,
  signal: NodeJS.Signals,
): Promise<{ readonly run: Run }> {
  const timers: NodeJS.Timeout[] = [];
  const run = await mptfix(args, {
    ...settings,
    started: (kill) => void timers.push(setTimeout(() => kill(signal), delay)),
  });
  for (const timer of timers) clearTimeout(timer);
  return { run };
}

/** Besides, each effect is a moment of its own above. */
const MOMENTS = 40;

describe(`SIGKILL at ${MOMENTS} random moments, then the next command:`, () => {
  const acts = [
    ['apply', applyArgs, () => guest.root],
    ['rollback', rollbackArgs, () => patched.root],
  ] as const;
  test.each(acts)(
    '%s',
    async (act, args, from) => {
      const duration = await durationOf(args, from());
      const outcomes = { before: 0, after: 0 };
      const lost: unknown[] = [];
      // Two at a time, as the machine has two cores; each has a guest of its own.
      await inTurn(MOMENTS, 2, async (index) => {
        const { root, dispose } = copyOf(from());
        // A little beyond the end: the last moments count most.
        const delay = Math.random() * duration * 1.1;
        await interrupted(args(root), delay, 'SIGKILL');
        try {
          outcomes[await requireWhole(root, `${act} ${index}, killed after ${Math.round(delay)} ms`)] += 1;
        } catch (error) {
          lost.push(error);
        }
        dispose();
      });
      expect(lost).toEqual([]);
      console.log(
        `${act} killed at ${MOMENTS} random moments: ${outcomes.before + outcomes.after} points tried, ${lost.length} lost (${outcomes.before} before, ${outcomes.after} after)`,
      );
      expect(outcomes.before + outcomes.after).toBe(MOMENTS);
    },
    1_800_000,
  );
});

describe('a signal that asks it to end, at ten moments:', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s', async (signal, status) => {
    const moments = momentsWithin(await durationOf(applyArgs, guest.root));
    let stopped = 0;
    await inTurn(10, 2, (index) =>
      moments.at((index + 0.3) / 10, async (delay) => {
        const { root, dispose } = snapshot(guest.root);
        const { run } = await interrupted(applyArgs(root), delay, signal);
        const what = `${signal} at moment ${index}: ${run.stderr.slice(-300)}`;
        expect([what, [0, status].includes(run.status)]).toEqual([what, true]);
        if (run.status === status) {
          stopped += 1;
          expect([what, touched(root)]).toEqual([what, before]);
        }
        dispose();
        return run.status !== 0;
      }),
    );
    expect(stopped).toBeGreaterThan(5);
  });
});
