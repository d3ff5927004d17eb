import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { onTestFinished } from 'vitest';
import { shellWords } from '../../src/typed.ts';
import { BIN } from './cli.ts';

export interface TerminalSettings {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed, each once the screen shows something: `['[y/N]', 'y\n']`. */
  readonly keys?: readonly (readonly [after: string | RegExp, typed: string])[];
  /** Sent to the program itself once the screen shows something. */
  readonly signal?: readonly [after: string | RegExp, name: NodeJS.Signals];
  /** Words before mptfix, such as `chroot`; or a program in its place. */
  readonly program?: readonly string[];
}

export interface TerminalRun {
  /** As a shell has it: 128 and the number of the signal that ended it. */
  readonly status: number;
  /** All that the terminal got, with its line ends as `\n`. */
  readonly screen: string;
  /** The same without control sequences. */
  readonly text: string;
}

/** Runs mptfix on a terminal of its own, as script(1) of util-linux gives one, with both streams on it. */
export async function onTerminal(
  args: readonly string[],
  { columns = 80, env = {}, keys = [], signal, program = [process.execPath, BIN] }: TerminalSettings = {},
): Promise<TerminalRun> {
  const command = `stty cols ${columns} rows 40; echo PID $$; exec ${shellWords([...program, ...args])}`;
  const child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      XDG_CACHE_HOME: '/dev/null',
      TERM: 'xterm',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let screen = '';
  let typed = 0;
  let isSent = false;
  const react = (): void => {
    const shows = (what: string | RegExp): boolean =>
      typeof what === 'string' ? screen.includes(what) : what.test(screen);
    const next = keys[typed];
    if (next !== undefined && shows(next[0])) {
      typed += 1;
      child.stdin.write(next[1]);
    }
    if (signal === undefined || isSent || !shows(signal[0])) return;
    isSent = true;
    process.kill(Number(/PID (\d+)/.exec(screen)?.[1]), signal[1]);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString('utf8');
    react();
  });
  const [status] = (await once(child, 'close')) as [number];
  screen = screen.replaceAll('\r\n', '\n').replace(/^PID \d+\n/, '');
  return { status, screen, text: stripVTControlCharacters(screen) };
}
