import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bring } from './programs.ts';
import { median, type Row } from './table.ts';

/** One run of a command as a whole process. */
interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly status: number | null;
}

/** Runs the words and waits for their end. Processor time is that of all that was started and waited for. */
async function measure(argv: readonly string[]): Promise<Measured> {
  const [file = '', ...args] = argv;
  const cpu = childrenSeconds();
  const started = process.hrtime.bigint();
  const child = spawn(file, args, { stdio: 'ignore' });
  const [status] = (await once(child, 'exit')) as [number | null];
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  return { seconds, cpuSeconds: childrenSeconds() - cpu, status };
}

/** Of all children so far, in hundredths. Source: proc(5), /proc/pid/stat, cutime and cstime. */
function childrenSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/**
 * The words under GNU time, which writes the largest resident set of any one process, in KiB, to a file: the kernel's
 * own figure, of all that the command started and waited for. It costs a millisecond, so not every run has it.
 */
function withPeak(argv: readonly string[], file: string): readonly string[] {
  return ['/usr/bin/time', '--quiet', '--format=%M', `--output=${file}`, ...argv];
}

function readPeak(file: string): number {
  try {
    return Number(readFileSync(file, 'latin1').trim().split('\n').at(-1)) / 1024;
  } catch {
    return Number.NaN;
  }
}

export interface Contender {
  readonly name: string;
  readonly argv: readonly string[];
  /** Restores the state before a run; not measured. */
  readonly before?: () => void;
  /** For a slow contender: fewer rounds than the others, and no uncounted one. */
  readonly rounds?: number;
  /** The exit status that it must have; default 0. A failed run measures nothing. */
  readonly status?: number;
}

/**
 * Runs the contenders in turn, A B A B …, so that all see the same machine, after one uncounted round. The peak is that of
 * each contender's last run.
 */
export async function race(contenders: readonly Contender[], rounds: number): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-peak-'));
  const canTellPeak = bring('time');
  const runs = contenders.map((): Measured[] => []);
  const peakFile = (index: number): string => join(folder, `${index}`);
  try {
    for (let round = -1; round < rounds; round += 1) {
      for (const [index, { name, argv, before, status = 0, rounds: own }] of contenders.entries()) {
        if (own !== undefined && (round < 0 || round >= own)) continue;
        const isLast = round === (own ?? rounds) - 1;
        before?.();
        const measured = await measure(canTellPeak && isLast ? withPeak(argv, peakFile(index)) : argv);
        if (measured.status !== status)
          throw new Error(`${name} ended with status ${measured.status}: ${argv.join(' ')}`);
        if (round >= 0) runs[index]?.push(measured);
      }
    }
    return contenders.map(({ name }, index) => summary(name, runs[index] ?? [], readPeak(peakFile(index))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function summary(name: string, runs: readonly Measured[], peakMiB: number): Row {
  const seconds = runs.map((run) => run.seconds);
  return {
    name,
    medianSeconds: median(seconds),
    minSeconds: Math.min(...seconds),
    maxSeconds: Math.max(...seconds),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    peakMiB,
  };
}
