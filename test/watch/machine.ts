import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { mptfix, type Run, type RunSettings } from '../helpers/cli.ts';

/** A part of this machine with mounts, processes, /run and a folder of its own: none of it outlasts the test. */
export interface Machine {
  /** Made for the test, on a disk with room for images. */
  readonly folder: string;
  /** Runs a script there by `sh -e`; answers what it printed, throws where it failed. */
  readonly sh: (script: string) => string;
  readonly mptfix: (args: readonly string[], settings?: RunSettings) => Promise<Run>;
  /** What stands before a command so that it runs there. */
  readonly prefix: readonly string[];
}

const SET_UP = 'mount -t tmpfs -o mode=755 tmpfs /run; echo ready; exec sleep 600';

export async function machine(): Promise<Machine> {
  const folder = await mkdtemp('/var/tmp/mptfix-machine-');
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--propagation',
      'private',
      'sh',
      '-ec',
      SET_UP,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  });
  await once(child.stdout, 'data');
  const [init = ''] = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'))
    .trim()
    .split(' ');
  const prefix = ['nsenter', '--target', init, '--mount', '--pid', '--'];
  const [program = '', ...before] = prefix;
  return {
    folder,
    prefix,
    sh: (script) =>
      execFileSync(program, [...before, 'sh', '-ec', `cd "$1"; ${script}`, 'sh', folder], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }).toString(),
    mptfix: (args, settings) => mptfix(args, { ...settings, prefix }),
  };
}

/** Makes an image with a file system and mounts it on `folder/NAME`; answers the loop device's name. */
export function mountImage(
  { sh }: Machine,
  name: string,
  mkfs: string,
  options = 'rw',
  size = '20M',
): string {
  return sh(
    `truncate -s ${size} ${name}.img; ${mkfs} ${name}.img >/dev/null 2>&1; mkdir ${name}; ` +
      `mount -o loop,${options} ${name}.img ${name}; findmnt -no SOURCE ${name}`,
  )
    .trim()
    .replace('/dev/', '');
}
