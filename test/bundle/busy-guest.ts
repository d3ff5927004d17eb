import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERAS } from '../initramfs/era-guest.ts';
import { sh, until } from '../machine/temporary.ts';
import { type OldGuest, oldGuest } from './old-guest.ts';

const ERA = ERAS[0] as (typeof ERAS)[number];

export interface Run {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<{
    readonly status: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

export interface Starting {
  /** Whether the guest sees its processes in /proc. */
  readonly proc?: boolean;
  /** Of the shell that starts the bundle, such as `>&-`. */
  readonly redirect?: string;
  /** Nobody reads what it says. */
  readonly unread?: boolean;
}

/** A guest whose tool for the initramfs waits until it may go on. */
export interface BusyGuest extends OldGuest {
  /** Starts the bundle in a process group of its own. */
  readonly start: (args: readonly string[], starting?: Starting) => Run;
  /** Until the tool is at work; then it waits for `goOn`. */
  readonly atWork: () => Promise<void>;
  readonly goOn: () => void;
  readonly hold: () => void;
  /** The same of sync(1), with which an undo begins. */
  readonly holdSync: () => void;
  readonly atSync: () => Promise<void>;
}

export async function busyGuest(shell: readonly string[], tools: readonly string[] = []): Promise<BusyGuest> {
  const guest = await oldGuest(ERA, shell, { tools: ['sha256sum', ...tools] });
  const { root } = guest;
  const at = (name: string): string => join(root, 'work', name);
  sh(
    `cd "$1/sbin"; mv mkinitrd true-mkinitrd
     printf '#!/bin/dash\\n: >/work/begun\\nwhile [ -f /work/hold ]; do sleep 0.05; done\\nexec /sbin/true-mkinitrd "$@"\\n' >mkinitrd
     chmod 755 mkinitrd; rm -f "$1/bin/sync"; printf '#!/bin/dash\\n: >/work/syncs\\nwhile [ -f /work/hold-sync ]; do sleep 0.05; done\\n' >"$1/bin/sync"; chmod 755 "$1/bin/sync"`,
    root,
  );
  const start = (
    args: readonly string[],
    { proc = true, redirect = '', unread = false }: Starting = {},
  ): Run => {
    const script = `root=$1; shift; ${proc ? 'mount --bind "$root" "$root" && mount -t proc proc "$root/proc" || exit 99;' : ''} exec /usr/sbin/chroot "$root" "$@" ${redirect}`;
    const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', root, ...shell, '/bundle.run', ...args], {
      env: { PATH: '/bin:/sbin:/usr/sbin:/usr/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = child;
    if (pid === undefined) throw new Error('the bundle cannot be started');
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      text.stdout += String(data);
    });
    child.stderr.on('data', (data) => {
      text.stderr += String(data);
    });
    if (unread) child.stdout.destroy();
    const ended = new Promise<Awaited<Run['ended']>>((resolve) => {
      // What a killed shell has left may keep its output open.
      child.on('exit', (status, signal) => setTimeout(() => resolve({ status, signal, ...text }), 50));
    });
    return { child, pid, ended };
  };
  return {
    ...guest,
    start,
    atWork: () => until(() => existsSync(at('begun'))),
    goOn: () => {
      for (const name of ['hold', 'hold-sync']) rmSync(at(name), { force: true });
    },
    holdSync: () => {
      writeFileSync(at('hold-sync'), '');
      rmSync(at('syncs'), { force: true });
    },
    atSync: () => until(() => existsSync(at('syncs'))),
    hold: () => {
      writeFileSync(at('hold'), '');
      rmSync(at('begun'), { force: true });
    },
  };
}
