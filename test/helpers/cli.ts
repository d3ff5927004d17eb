import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { requireDocument, requireDocuments } from './documents.ts';
import { requireTypedCommands } from './typed-commands.ts';

export interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** What stands before Node: `unshare -m …`. */
  readonly prefix?: readonly string[];
  readonly bin?: string;
  /** Another Node than the one that runs the tests. */
  readonly node?: string;
  readonly cwd?: string;
  /** Called with the child when it runs. */
  readonly started?: (kill: (signal: NodeJS.Signals) => void) => void;
}

export const BIN = resolve('bin/mptfix.cjs');

/** Runs mptfix as a user would, in a process of its own; holds what it prints with `--json` against its schema. */
export async function mptfix(args: readonly string[], settings: RunSettings = {}): Promise<Run> {
  const [file = '', ...rest] = [
    ...(settings.prefix ?? []),
    settings.node ?? process.execPath,
    settings.bin ?? BIN,
    ...args,
  ];
  const child = spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // No folder can be made there: without being asked to, a run neither uses nor fills a cache.
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', XDG_CACHE_HOME: '/dev/null', ...settings.env },
    ...(settings.uid === undefined ? {} : { uid: settings.uid }),
    ...(settings.gid === undefined ? {} : { gid: settings.gid }),
    ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  settings.started?.((signal) => child.kill(signal));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const run = {
    // As shells have it: a signal may come before the run takes care of it.
    status: code ?? 128 + constants.signals[signal ?? 'SIGKILL'],
    stdout: Buffer.concat(out).toString('utf8'),
    stderr: Buffer.concat(err).toString('utf8'),
  };
  // What a killed run has printed may end anywhere.
  if (args.includes('--json') && code !== null) requireDocuments(run.stdout);
  if (code !== null) await requireTypedCommands(args, run, settings.cwd);
  return run;
}

/** The one JSON document that a run printed, held against its schema; throws where it printed anything else. */
// biome-ignore lint/suspicious/noExplicitAny: the tests look into documents of many shapes
export function json(run: Run): any {
  const document = JSON.parse(run.stdout);
  requireDocument(document);
  return document;
}
