import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Run } from './cli.ts';
import { requireTypedCommands } from './typed-commands.ts';

export interface MeasuredRun extends Run {
  /** The most memory that the process has had so far, in bytes. */
  readonly rss: number;
}

/** One process of the bundle that runs many command lines. */
export interface ManyRuns {
  /** Undefined where it did not end in time: then the process is killed, and the next run has a new one. */
  run(argv: readonly string[], milliseconds: number): Promise<MeasuredRun | undefined>;
  /** Has the next run in a new process. */
  restart(): Promise<void>;
}

/** Copies the bundle to a folder where any user may read it. */
export function copyBundle(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const name of ['bin', 'dist', 'patches', 'src/bundle/sh', 'src/watch/sh', 'package.json'])
    cpSync(name, join(folder, name), { recursive: true });
  cpSync(join(import.meta.dirname, 'many-runs.mjs'), join(folder, 'many-runs.mjs'));
  return folder;
}

/** `bundle` is what `copyBundle` answers; `uid` is who runs it. */
export function manyRuns(bundle: string, uid = 0): ManyRuns {
  let child: ChildProcess | undefined;
  const started = async (): Promise<ChildProcess> => {
    if (child !== undefined) return child;
    child = fork(join(bundle, 'many-runs.mjs'), [bundle], {
      cwd: bundle,
      execArgv: [],
      uid,
      gid: uid,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent', XDG_CACHE_HOME: '/dev/null' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return child;
  };
  const restart = async (): Promise<void> => {
    if (child === undefined) return;
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    child = undefined;
    await ended;
  };
  return {
    restart,
    run: async (argv, milliseconds) => {
      const process = await started();
      const over = new AbortController();
      const { signal } = over;
      const answer = once(process, 'message', { signal }).then(([message]) => message as MeasuredRun);
      const gone = once(process, 'exit', { signal }).then(() => undefined);
      const late = setTimeout(milliseconds, undefined, { signal });
      process.send({ argv });
      const all = [answer, gone, late];
      const result = await Promise.race(all);
      over.abort();
      await Promise.allSettled(all);
      if (result === undefined) await restart();
      else await requireTypedCommands(argv, result, bundle);
      return result;
    },
  };
}
