import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT_STATUS } from '../../src/errors.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { temporary } from '../machine/temporary.ts';

/** The contract’s exit statuses that a failure may have; 130 is a shell’s for an interrupt. */
const FAILURES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 130];

describe('every error code', () => {
  test('has one exit status of the contract', () => {
    for (const [code, status] of Object.entries(EXIT_STATUS)) {
      expect(code).toMatch(/^E_[A-Z_]+$/);
      expect([code, FAILURES.includes(status)]).toEqual([code, true]);
    }
    expect(new Set(Object.values(EXIT_STATUS))).toEqual(new Set(FAILURES));
  });

  test('of one kind has the status of its kind', () => {
    for (const [code, status] of Object.entries(EXIT_STATUS)) {
      if (code.startsWith('E_PROOF_')) expect([code, status]).toEqual([code, 7]);
      if (code.startsWith('E_PATCH_')) expect([code, status]).toEqual([code, 5]);
      if (code.startsWith('E_ARCHIVE_')) expect([code, status]).toEqual([code, 4]);
      if (code.endsWith('_MISSING')) expect([code, status]).toEqual([code, 3]);
      if (code.endsWith('_UNDO')) expect([code, status]).toEqual([code, 9]);
    }
  });
});

const COMMANDS = ['check', 'plan', 'apply', 'status', 'rollback', 'recover', 'harden', 'demo'];

describe('help', () => {
  test('--help lists every command, on stdout, and ends with 0', async () => {
    const { status, stdout, stderr } = await mptfix(['--help']);
    expect([status, stderr]).toEqual([0, '']);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command}\\b.*\\w`, 'm'));
  });

  test('every command that changes the guest has --yes and --dry-run, and all but the demo have --root', async () => {
    for (const command of COMMANDS) {
      const { status, stdout } = await mptfix([command, '--help']);
      expect([command, status, stdout.includes('--json')]).toEqual([command, 0, true]);
      const mutating = ['apply', 'rollback', 'status', 'recover', 'harden'].includes(command);
      expect([command, stdout.includes('--yes'), stdout.includes('--dry-run')]).toEqual([
        command,
        mutating,
        mutating,
      ]);
      expect([command, stdout.includes('--root')]).toEqual([command, command !== 'demo']);
    }
  });

  test('--version is that of the package', async () => {
    const { status, stdout } = await mptfix(['--version']);
    expect([status, stdout]).toEqual([0, `${JSON.parse(readFileSync('package.json', 'utf8')).version}\n`]);
  });
});

describe('a mistake in the command line ends with 2, says what, and nothing on stdout:', () => {
  test.each([
    ['no command', [], 'the name of a command'],
    ['no command of the watch', ['watch'], 'mptfix watch --help'],
    ['an unknown command', ['fix'], "unknown command 'fix'"],
    ['a command with a letter too many', ['chekc'], "unknown command 'chekc' (Did you mean check?)"],
    ['a hostile word', ['fix\n\u202e\u009b'], "unknown command 'fix \\u202e\\x9b'"],
    ['a word that is no choice', ['plan', '--placement', 'x'], 'Allowed choices are in-place, updates'],
    ['no variable of make', ['plan', '--make-var', 'CC'], '--make-var needs NAME=VALUE'],
    ['a variable that is not theirs', ['apply', '--dry-run', '--make-var', 'M=/x'], '--make-var needs'],
    [
      'a build without a sandbox',
      ['build', '--output', '/nowhere', '--contained'],
      '--contained is for the stages of Dockerfile.build',
    ],
    [
      'half a build in no image',
      ['build', '--output', '/nowhere', '--only-prepare'],
      'the two halves of a build',
    ],
    ['no image’s name', ['plan', '--toolchain', 'image:--pull'], 'needs an image’s name'],
    [
      'a whole tree in an image',
      ['plan', '--toolchain', 'image:centos4', '--whole-tree'],
      '--whole-tree cannot be combined with a container image',
    ],
    ['a guest’s compiler without a guest', ['plan', '--toolchain', 'guest'], '--root is not given'],
    ['a key without its certificate', ['plan', '--sign-key', '/k'], 'give --sign-key and --sign-cert'],
    ['all modules of no tree', ['apply', '--dry-run', '--full'], 'give --whole-tree too'],
    ['an option that has to be', ['build'], '--output'],
    ['an unknown option', ['check', '--rot', '/x'], "unknown option '--rot' (Did you mean --root?)"],
    ['an option without its value', ['check', '--root'], 'argument missing'],
    ['an argument too many', ['status', 'now'], 'too many arguments'],
    ['a generation that is no number', ['rollback', '--to', 'first'], 'E_USAGE'],
    ['a generation that is negative', ['rollback', '--to=-1'], 'E_USAGE'],
    ['both files to judge', ['check', '--source', '/a', '--module', '/b'], 'E_USAGE'],
  ])('%s', async (_, args, says) => {
    const { status, stdout, stderr } = await mptfix(args);
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringContaining(says)]);
    expect(stderr).toMatch(/^mptfix: E_USAGE: .+\n {2}next: .+\n$/);
  });
});

describe('a failure', () => {
  const cases: readonly [code: string, status: number, args: (root: string) => string[]][] = [
    ['E_USAGE', 2, () => ['rollback', '--to', 'x']],
    ['E_TARGET_MISSING', 3, (root) => ['check', '--root', join(root, 'none')]],
    ['E_KERNEL_UNKNOWN', 3, (root) => ['status', '--root', root]],
    ['E_USAGE', 2, (root) => ['plan', '--root', root, '--kernel', '--json']],
    ['E_SOURCE_MISSING', 3, (root) => ['check', '--source', join(root, 'none')]],
    ['E_ARCHIVE_TRUNCATED', 4, (root) => ['check', '--source', join(root, 'gz')]],
    ['E_CANNOT_DECIDE', 11, (root) => ['check', '--module', join(root, 'text')]],
  ];
  for (const [code, status, args] of cases) {
    test(`${code} of ${args('T').join(' ')} ends with ${status}, and is one document with --json`, async () => {
      const root = await temporary({
        text: 'no module\n',
        gz: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]),
      });
      const before = listing(root);
      const run = await mptfix([...args(root), '--json']);
      expect([json(run).error?.code, run.status]).toEqual([code, status]);
      expect(Object.keys(json(run))).toEqual(['schema', 'error']);
      const { what, next } = json(run).error;
      expect(run.stderr).toBe(`mptfix: ${code}: ${what}\n  next: ${next}\n`);
      for (const line of [what, next]) expect([line === '', line.includes('\n')]).toEqual([false, false]);
      expect(listing(root)).toEqual(before);
    });
  }

  test('of the command line itself is a document too', async () => {
    const run = await mptfix(['check', '--unheard-of', '--json']);
    expect([run.status, json(run).schema, json(run).error.code]).toEqual([2, 'mptfix.error/1', 'E_USAGE']);
    expect(json(run).error.what).toContain('--unheard-of');
  });

  test('without --json leaves stdout empty; --verbose adds where it happened', async () => {
    const root = await temporary();
    const quiet = await mptfix(['status', '--root', root]);
    expect([quiet.status, quiet.stdout, quiet.stderr.split('\n').length]).toEqual([3, '', 3]);
    const verbose = await mptfix(['status', '--root', root, '--verbose']);
    expect(verbose.stderr).toMatch(/\n\s+at /);
  });
});

test('README.md tells every exit status that a run can end with', () => {
  const readme = readFileSync('README.md', 'utf8');
  const section = /^\| exit status \|.*\n((?:\|.*\n)*)/m.exec(readme)?.[1] ?? '';
  const told = [...section.matchAll(/^\|\s*(\d+)\s*\|/gm)].map((match) => Number(match[1]));
  const ends = [0, 10, ...FAILURES.filter((status) => status < 128)].sort((a, b) => a - b);
  expect(told).toEqual(ends);
  expect(section).toMatch(/^\| 129, 130, 143 \|/m);
});
