import type { Command } from 'commander';
import { failure } from '../errors.ts';
import { typedHelp } from '../typed.ts';

/**
 * The line to parse instead of one with the word `help`, which commander takes one word after: `help watch once` and
 * `watch help once` are `watch once --help`. Other lines stay as they are. Throws E_USAGE where no command is named.
 */
export function withoutHelp(program: Command, argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('help');
  if (at === -1) return argv;
  const above = argv.slice(0, at).reduce<Command | undefined>(inside, program);
  if (above === undefined || above.commands.length === 0) return argv;
  const words = argv.slice(at + 1).filter((word) => !word.startsWith('-'));
  words.reduce((command, word) => inside(command, word) ?? unknown(command, word), above);
  return [...argv.slice(0, at), ...words, '--help'];
}

function inside(command: Command | undefined, word: string): Command | undefined {
  return command?.commands.find((one) => one.name() === word);
}

function unknown(command: Command, word: string): never {
  const words = wordsOf(command);
  throw failure(
    'E_USAGE',
    `${words} has no command ${JSON.stringify(word)}`,
    `${typedHelp(words.split(' ').slice(1))} lists them`,
  );
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
