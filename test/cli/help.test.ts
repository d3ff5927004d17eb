import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/commands.ts';
import { json, mptfix } from '../helpers/cli.ts';

/** The words of every command that --help lists; the first is mptfix itself, without any. */
function listed(command: Command, words: readonly string[] = []): readonly (readonly string[])[] {
  const inner = command.createHelp().visibleCommands(command);
  return [
    words,
    ...inner.filter((one) => one.name() !== 'help').flatMap((one) => listed(one, [...words, one.name()])),
  ];
}

const COMMANDS = listed(commandLine(async () => {}));

test.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
  'mptfix help %s prints its --help',
  async (_, words) => {
    const asked = await mptfix([...words, '--help']);
    expect(asked.stdout).toMatch(new RegExp(`^Usage: ${['mptfix', ...words].join(' ')} `));
    expect(await mptfix(['help', ...words])).toEqual({ ...asked, status: 0 });
    const [last] = words.slice(-1);
    if (last !== undefined && words.length > 1)
      expect(await mptfix([...words.slice(0, -1), 'help', last])).toEqual(asked);
  },
);

describe('what is no command is E_USAGE:', () => {
  test.each([
    [['help', 'nope'], 'mptfix has no command "nope"', 'mptfix --help'],
    [['help', 'watch', 'nope'], 'mptfix watch has no command "nope"', 'mptfix watch --help'],
    [['watch', 'help', 'nope'], 'mptfix watch has no command "nope"', 'mptfix watch --help'],
    [['help', 'check', 'now'], 'mptfix check has no command "now"', 'mptfix check --help'],
    [['help', '\u001b[31m'], 'mptfix has no command', 'mptfix --help'],
  ])('%j', async (words, what, next) => {
    const run = await mptfix(words);
    expect([run.status, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain(`mptfix: E_USAGE: ${what}`);
    expect(run.stderr).toContain(`  next: \`${next}\``);
    expect(json(await mptfix([...words, '--json'])).error.code).toBe('E_USAGE');
  });
});

test('a value of that name is no question for help', async () => {
  const run = await mptfix(['check', '--root', 'help']);
  expect([run.status, run.stderr]).toEqual([3, expect.stringContaining('E_TARGET_MISSING')]);
});
