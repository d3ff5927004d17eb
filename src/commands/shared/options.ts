import type { Target } from '../../machine/port.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';

/** Runs a command's action, which answers the exit status; the signal asks it to put things back and end. */
export type Run = (act: (signal: AbortSignal) => Promise<number>) => Promise<void>;

/** What every command has that looks at a guest. */
export interface CommonOptions {
  readonly root?: string | undefined;
  readonly kernel?: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

export interface MutatingOptions {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

/** The guest that the target options name. */
export function openTarget(options: Pick<CommonOptions, 'root'>, dryRun: boolean): Target {
  return options.root === undefined ? localTarget({ dryRun }) : rootTarget(options.root, { dryRun });
}

/** The target options again, quoted for a shell, for a command that a person is to type next. */
export function targetWords(options: Pick<CommonOptions, 'root' | 'kernel'>): string {
  const words = [
    ...(options.root === undefined ? [] : ['--root', options.root]),
    ...(options.kernel === undefined ? [] : ['--kernel', options.kernel]),
  ];
  return words.length === 0 ? '' : ` ${commandLine(words)}`;
}

/** A command as a shell takes it, to be copied: words that need it are quoted. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
  if (!hidden.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word
    .replace(/[\\']/g, '\\$&')
    .replace(hidden, (mark) =>
      [...Buffer.from(mark)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
    );
  return `$'${escaped}'`;
}
