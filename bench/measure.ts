import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** One run of a command as a whole process. */
export interface Measured {
  readonly seconds: number;
  /** Processor time, user and system, of the process and all that it started and waited for. */
  readonly cpuSeconds: number;
  /** Largest resident set of the process itself, in MiB. */
  readonly peakMiB: number;
  readonly status: number | null;
}

/** The kernel keeps the high-water mark; it is read until the process is gone. */
const POLL_MS = 2;

async function measure(argv: readonly string[]): Promise<Measured> {
  const [file = '', ...args] = argv;
  const cpu = childrenSeconds();
  const started = process.hrtime.bigint();
  const child = spawn(file, args, { stdio: 'ignore' });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, highWaterKiB(child.pid));
  }, POLL_MS);
  const [status] = (await once(child, 'exit')) as [number | null];
  clearInterval(timer);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  return { seconds, cpuSeconds: childrenSeconds() - cpu, peakMiB: peak / 1024, status };
}

/** Of all children so far, in hundredths. Source: proc(5), /proc/pid/stat, cutime and cstime. */
function childrenSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function highWaterKiB(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
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

export interface Row {
  readonly name: string;
  readonly medianSeconds: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

/** Runs the contenders in turn, A B A B …, so that all see the same machine, after one uncounted round. */
export async function race(contenders: readonly Contender[], rounds: number): Promise<readonly Row[]> {
  const runs = contenders.map((): Measured[] => []);
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, { name, argv, before, status = 0, rounds: own }] of contenders.entries()) {
      if (own !== undefined && (round < 0 || round >= own)) continue;
      before?.();
      const measured = await measure(argv);
      if (measured.status !== status)
        throw new Error(`${name} ended with status ${measured.status}: ${argv.join(' ')}`);
      if (round >= 0) runs[index]?.push(measured);
    }
  }
  return contenders.map(({ name }, index) => {
    const seconds = (runs[index] ?? []).map((run) => run.seconds);
    return {
      name,
      medianSeconds: median(seconds),
      minSeconds: Math.min(...seconds),
      maxSeconds: Math.max(...seconds),
      cpuSeconds: median((runs[index] ?? []).map((run) => run.cpuSeconds)),
      peakMiB: median((runs[index] ?? []).map((run) => run.peakMiB)),
    };
  });
}

/** A Markdown table; ratios are to the row that is named. */
export function table(rows: readonly Row[], base: string): string {
  const floor = rows.find(({ name }) => name === base)?.medianSeconds ?? Number.NaN;
  return [
    `| what | median | min – max | ratio to ${base} | processor time | peak |`,
    '|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.name} | ${row.medianSeconds.toFixed(3)} s | ${row.minSeconds.toFixed(3)} – ${row.maxSeconds.toFixed(3)} s | ` +
        `${(row.medianSeconds / floor).toFixed(2)} | ${row.cpuSeconds.toFixed(2)} s | ${row.peakMiB.toFixed(0)} MiB |`,
    ),
  ].join('\n');
}
