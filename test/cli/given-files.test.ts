import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildableGuest, HEADERS, MODULE } from '../helpers/buildable-guest.ts';
import { copyBundle, type ManyRuns, type MeasuredRun, manyRuns } from '../helpers/many-runs.ts';

/** What may stand where a path leads that somebody has typed; the path is free. */
const THINGS: Readonly<Record<string, (path: string) => string | undefined>> = {
  nothing: () => undefined,
  'nothing below a file': (path) => {
    writeFileSync(path, 'a file\n');
    return `${path}/below`;
  },
  'a name that is too long': (path) => `${path}${'x'.repeat(300)}`,
  'an empty folder': (path) => void mkdirSync(path),
  'an empty file': (path) => void writeFileSync(path, ''),
  'a binary file': (path) =>
    void writeFileSync(path, Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 167) % 256))),
  'a text': (path) => void writeFileSync(path, '{ "this": is no JSON\nnor a log\n'),
  'a FIFO': (path) => void execFileSync('mkfifo', ['-m', '666', path]),
  'a device': (path) => void execFileSync('mknod', ['-m', '666', path, 'c', '1', '5']),
  'a socket': (path) =>
    void execFileSync('python3', [
      '-c',
      'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])',
      path,
    ]),
  'a loop of links': (path) => void symlinkSync(path.slice(path.lastIndexOf('/') + 1), path),
  'a link to nothing': (path) => void symlinkSync('nowhere', path),
  'a file of more than 2 GiB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 2 * 1024 ** 3 + 4096);
  },
  'a file that may not be read': (path) => {
    writeFileSync(path, 'secret');
    chmodSync(path, 0);
  },
  'a folder that may not be entered': (path) => void mkdirSync(path, { mode: 0 }),
  'a file in a folder that may not be entered': (path) => {
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), 'secret');
    chmodSync(path, 0);
    return join(path, 'inside');
  },
};

/** Every option and argument that takes a path: PATH is it, GUEST an affected guest’s tree. */
const LINES: readonly string[] = [
  'check --root PATH',
  'check --source PATH',
  'check --module PATH',
  'plan --root PATH',
  'plan --root GUEST --source PATH --offline',
  'plan --root GUEST --source SOURCE --headers PATH --offline',
  'plan --root GUEST --source SOURCE --offline --whole-tree --config PATH',
  'plan --root GUEST --source SOURCE --offline --whole-tree --symvers PATH',
  'plan --root GUEST --source SOURCE --offline --sign-key PATH --sign-cert PATH',
  'apply --plan PATH --dry-run',
  'apply --root PATH --dry-run',
  'apply --root GUEST --source PATH --offline --yes',
  'apply --root GUEST --source SOURCE --headers PATH --offline --yes',
  'apply --root GUEST --source SOURCE --offline --yes --work PATH',
  'build --root GUEST --source SOURCE --offline --output PATH/out --work PATH',
  'build --root GUEST --source SOURCE --offline --output PATH',
  'build --root GUEST --source PATH --offline --output OUT',
  'build --module PATH --source SOURCE --headers HEADERS --output OUT',
  'build --module MODULE --source SOURCE --headers PATH --output OUT',
  'build --root GUEST --source SOURCE --offline --whole-tree --config PATH --output OUT',
  'build --root GUEST --source SOURCE --offline --whole-tree --symvers PATH --output OUT',
  'build --root GUEST --source SOURCE --offline --sign-key PATH --sign-cert PATH --output OUT',
  'status --root PATH',
  'rollback --root PATH --yes',
  'recover --root PATH',
  'recover --root GUEST PATH',
  'recover PATH',
  'harden --root PATH',
  'harden --root GUEST --mount-point PATH',
  'harden --root GUEST --apply errors=remount-ro --device PATH --dry-run',
  'harden --root GUEST --undo --device PATH --yes',
  'diagnose PATH',
  'diagnose --root PATH',
  'watch once --root PATH',
  'watch once --config PATH',
  'watch once --root GUEST --prometheus PATH',
  'watch follow --root PATH',
  'watch follow --config PATH --root GUEST',
  'watch install --root PATH --to a@example.org --yes',
  'watch install --root GUEST --config PATH --yes',
  'watch uninstall --root PATH --yes',
  'watch test-mail --config PATH --root GUEST',
];

/**
 * Whether the line is asked with the thing of that index. An input is read by one function for all commands, and each run
 * takes seconds, as much is read or compiled beside it: `plan` gets all things, `apply` one half of them, `build` the other.
 */
function isAsked(line: string, index: number): boolean {
  const isInput = / --(?:source|headers|config|symvers|sign-key) PATH/.test(line);
  if (!isInput || !/^(?:apply|build) /.test(line)) return true;
  return index % 2 === (line.startsWith('apply') ? 0 : 1);
}

/** Nothing here waits; the largest file takes seconds to be read, and a busy machine much longer. */
const LONGEST = 240_000;

let base: string;
const runs: { root?: ManyRuns; nobody?: ManyRuns } = {};
beforeAll(() => {
  base = mkdtempSync('/var/tmp/mptfix-given-');
  chmodSync(base, 0o755);
  const bundle = copyBundle(join(base, 'mptfix'));
  buildableGuest(join(base, 'guest'), join(base, 'source'));
  runs.root = manyRuns(bundle);
  runs.nobody = manyRuns(bundle, 65534);
}, 60_000);
afterAll(async () => {
  await Promise.all([runs.root?.restart(), runs.nobody?.restart()]);
  rmSync(base, { recursive: true });
});

function argvOf(line: string, path: string): readonly string[] {
  const names: Readonly<Record<string, string>> = {
    PATH: path,
    GUEST: join(base, 'guest'),
    SOURCE: join(base, 'source'),
    OUT: join(base, 'out'),
    HEADERS: join(base, 'guest', HEADERS),
    MODULE: join(base, 'guest', MODULE),
  };
  return line.split(' ').map((word) => word.replace(/^[A-Z]+/, (name) => names[name] ?? name));
}

function clear(): void {
  for (const name of ['given', 'out']) rmSync(join(base, name), { recursive: true, force: true });
}

describe.each([
  ['root', Object.entries(THINGS)],
  // What root may do and a user may not is what differs.
  ['nobody', Object.entries(THINGS).filter(([thing]) => /nothing|may not/.test(thing))],
] as const)('whatever a path leads to, %s is told in words:', (user, things) => {
  test.each(LINES)('%s', { timeout: 600_000 }, async (line) => {
    const faults: string[] = [];
    for (const [index, [thing, put]] of things.entries()) {
      if (!isAsked(line, index)) continue;
      const path = put(join(base, 'given')) ?? join(base, 'given');
      const wrong = fault(await runs[user]?.run(argvOf(line, path), LONGEST));
      clear();
      if (wrong !== undefined) faults.push(`${thing}: ${wrong}`);
    }
    expect(faults).toEqual([]);
  });
});

describe('a relative path is of the folder where mptfix was started, as its whole path is:', () => {
  test.each(LINES)('%s', { timeout: 120_000 }, async (line) => {
    const answers: string[] = [];
    for (const path of [join(base, 'given'), '../given']) {
      writeFileSync(join(base, 'given'), '{ "this": is no JSON\n');
      const run = await runs.root?.run(argvOf(line, path), LONGEST);
      const code = /\bE_[A-Z_]+/.exec(run?.stderr ?? '')?.[0] ?? '';
      answers.push(`${run?.status} ${code}`);
      clear();
    }
    expect(answers[1]).toBe(answers[0]);
  });
});

function fault(run: MeasuredRun | undefined): string | undefined {
  if (run === undefined) return 'it did not end';
  const said = run.stdout + run.stderr;
  if (/E_INTERNAL/.test(said)) return said.slice(0, 300);
  if (/: E_(?:FILE|FILE_UNSAFE|TARGET_MISSING): /.test(said) && !said.includes('/given'))
    return `it does not name the file: ${run.stderr}`;
  return undefined;
}
