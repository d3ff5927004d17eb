import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/commands.ts';
import { quickOptions } from '../../src/commands/watch/quick.ts';
import { mptfix } from '../helpers/cli.ts';

/** The words of every command that --help lists, such as `watch once`; the first is mptfix itself, without any. */
function listed(command: Command, words: readonly string[] = []): readonly (readonly string[])[] {
  const inner = command.createHelp().visibleCommands(command);
  return [
    words,
    ...inner.filter((one) => one.name() !== 'help').flatMap((one) => listed(one, [...words, one.name()])),
  ];
}

/** The lines to type that a --help ends with, without the prompt. */
function examplesIn(help: string): readonly string[] {
  const section = help.split(/^Examples:$/m)[1] ?? '';
  return [...section.matchAll(/^ {2}\$ (.+)$/gm)].map((match) => match[1] ?? '');
}

/** The words of a line as a shell has them, where its only quotes are double ones. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}

const commands = listed(commandLine(async () => {}));

describe('the examples of --help:', () => {
  test.each(commands.map((words) => [['mptfix', ...words].join(' '), words] as const))(
    '%s',
    async (name, words) => {
      const { stdout } = await mptfix([...words, '--help']);
      const examples = examplesIn(stdout);
      expect([2, 3, 4, 5]).toContain(examples.length);
      for (const line of examples) {
        expect(line.startsWith(name)).toBe(true);
        let reached = 0;
        const program = commandLine(async () => {
          reached += 1;
        });
        await program.parseAsync(wordsOf(line).slice(1), { from: 'user' });
        expect([line, reached]).toEqual([line, 1]);
        if (name === 'mptfix watch once') expect(quickOptions(wordsOf(line).slice(3))).toBeDefined();
      }
    },
  );

  test('are there for every command', () => {
    expect(commands.length).toBe(18);
  });
});
