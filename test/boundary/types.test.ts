import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN } from '../helpers/cli.ts';
import { copyBundle, type ManyRuns, type MeasuredRun, manyRuns } from '../helpers/many-runs.ts';
import { troubledGuest } from '../helpers/troubled-guest.ts';
import { openVictim, type Victim } from '../helpers/victim.ts';

/** Commands that only read, and what each is asked on a tree. */
const READING = [
  'check',
  'plan --offline --source %source',
  'apply --dry-run --offline --source %source',
  'status',
  'status --prune --dry-run',
  'rollback --dry-run',
  'diagnose',
  'recover',
  'harden',
  'harden --apply errors=remount-ro timeout=180 --dry-run',
  'harden --undo --dry-run',
  'watch once',
  'watch uninstall --dry-run',
] as const;

/** What stands in a file's place. The path is free; `victim` has the disk. */
const TYPES: Readonly<Record<string, (path: string, victim: Victim) => void>> = {
  FIFO: (path) => execFileSync('mknod', ['-m', '666', path, 'p']),
  'an endless device': (path) => execFileSync('mknod', ['-m', '666', path, 'c', '1', '5']),
  'a disk': (path, { disk }) =>
    execFileSync('mknod', ['-m', '666', path, 'b', String(disk.major), String(disk.minor)]),
  'a folder': (path) => mkdirSync(path),
  'a loop of links': (path) => symlinkSync(path.slice(path.lastIndexOf('/') + 1), path),
  'a file of 10 GB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 10 * 1024 ** 3);
  },
};
const UNREADABLE: typeof TYPES = {
  'a file that may not be read': (path) => {
    writeFileSync(path, 'secret');
    chmodSync(path, 0);
  },
};

/** What waits for a FIFO or reads a device does so for ever; a busy machine takes long for the others. */
const MILLISECONDS = 60_000;
const MOST_MEMORY = 200 * 1024 * 1024;
/** Nobody in particular. */
const NOBODY = 65534;

let victim: Victim;
let bundle: string;
let source: string;
const at = (...parts: readonly string[]): string => join(victim.base, ...parts);

beforeAll(async () => {
  victim = await openVictim();
  bundle = copyBundle(at('mptfix'));
  source = at('source');
  await troubledGuest(at('guest'), source);
  for (const name of ['first', 'second', 'third']) execFileSync('cp', ['-a', at('guest'), at(name)]);
}, 60_000);
afterAll(async () => victim?.dispose());

const argvOf = (command: string, root: string): string[] => {
  const [name = '', ...words] = command.split(' ').map((word) => word.replace('%source', source));
  return [name, ...words, '--root', root, '--json'];
};

/** The files of the tree that a command opens, itself or by the tools that it starts, seen at the kernel. */
function filesReadBy(command: string, root: string): readonly string[] {
  const trace = at('trace');
  const node = [process.execPath, BIN, ...argvOf(command, root)];
  const strace = ['-f', '-y', '-qq', '-e', 'trace=open,openat', '-o', trace, ...node];
  try {
    execFileSync('strace', strace, { stdio: 'ignore' });
  } catch {
    // Its status tells what the guest has: trouble.
  }
  const found = new Set<string>();
  for (const [, path = ''] of readFileSync(trace, 'utf8').matchAll(/\) = \d+<([^>]+)>$/gm)) {
    for (const place of [root, '/guest', '/newroot/guest', '/oldroot/guest'])
      if (path.startsWith(`${place}/`)) found.add(path.slice(place.length + 1));
  }
  return [...found].filter((path) => lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile()).sort();
}

/** Says that something is not known. */
const CANNOT_TELL = /cannot|could not|unknown|not known|not readable|no answer|may be incomplete/gi;

/**
 * What is wrong with how a run took the change of one file; undefined: nothing. What a user may not read is to that user
 * as if it were not there: it is no all-clear where there was trouble before, and no defect.
 */
function fault(
  path: string,
  before: MeasuredRun,
  now: MeasuredRun | undefined,
  isExplained: boolean,
): string | undefined {
  if (now === undefined) return 'did not end';
  const said = `${now.stdout}\n${now.stderr}`;
  if (now.rss - before.rss > MOST_MEMORY) return `took ${Math.round((now.rss - before.rss) / 1e6)} MB`;
  if (/E_INTERNAL/.test(said)) return said.slice(said.indexOf('E_INTERNAL')).slice(0, 200);
  // Neither an error nor an alarm is an all-clear.
  if (now.status !== 0 || (!isExplained && before.status === 0)) return undefined;
  if (plain(now) === plain(before) || said.includes(`/${path}`)) return undefined;
  const doubts = (text: string): number => (text.match(CANNOT_TELL) ?? []).length;
  if (doubts(said) > doubts(`${before.stdout}\n${before.stderr}`)) return undefined;
  return `says another thing and not why, with status ${now.status}`;
}

function plain({ status, stdout, stderr }: MeasuredRun): string {
  return `${status}\n${stdout}\n${stderr}`.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
}

/** Tries every type in the place of every file that the command reads. */
async function faults(command: string, root: string, runs: ManyRuns, types: typeof TYPES): Promise<string[]> {
  const found: string[] = [];
  const files = filesReadBy(command, root);
  expect(files).not.toEqual([]);
  const argv = argvOf(command, root);
  const baseline = async (): Promise<MeasuredRun> => {
    await runs.run(argv, 60_000);
    const run = await runs.run(argv, 60_000);
    if (run === undefined) throw new Error(`${command} does not end`);
    return run;
  };
  let before = await baseline();
  for (const path of files) {
    for (const [type, put] of Object.entries(types)) {
      const place = join(root, path);
      renameSync(place, at('aside'));
      put(place, victim);
      const now = await runs.run(argv, MILLISECONDS);
      rmSync(place, { recursive: true });
      renameSync(at('aside'), place);
      const wrong = fault(path, before, now, types === TYPES);
      if (wrong === undefined) continue;
      found.push(`${type} for ${path}: ${wrong}`);
      if (!/^(did not end|took)/.test(wrong)) continue;
      await runs.restart();
      before = await baseline();
    }
  }
  return found;
}

/** Without the processes of the tests themselves. */
const hostState = (): string[] => victim.state().filter((line) => !line.includes('many-runs.mjs'));

describe('whatever stands in the place of a file that a command reads, it ends, and gives no all-clear for it:', () => {
  let root: ManyRuns;
  let nobody: ManyRuns;
  beforeAll(() => {
    [root, nobody] = [manyRuns(bundle), manyRuns(bundle, NOBODY)];
  });
  afterAll(async () => {
    await Promise.all([root.restart(), nobody.restart()]);
  });

  test.each(READING)('%s', { timeout: 600_000 }, async (command) => {
    const before = hostState();
    expect(await faults(command, at('first'), root, TYPES)).toEqual([]);
    expect(await faults(command, at('third'), nobody, UNREADABLE)).toEqual([]);
    expect(hostState()).toEqual(before);
  });
});
