import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporary } from '../machine/temporary.ts';
import { BIN, mptfix, type Run } from './cli.ts';
import { requireTypedCommands } from './typed-commands.ts';

/**
 * This machine in a mount and process namespace of its own: /etc is a copy, /var/log and /var/lib are empty, and what is
 * mounted there is gone with it. Its process 1 is its own, so that its mount table is what mptfix reads.
 */
export interface PrivateMachine {
  /** An empty folder on a tmpfs, for images and mount points. */
  readonly folder: string;
  /** Runs a script inside, `$1` and so on its arguments. */
  sh(script: string, ...args: readonly string[]): string;
  mptfix(args: readonly string[]): Promise<Run>;
  /** Runs it at a terminal, and gives an answer to each question as it comes; answers all that was shown. */
  mptfixAsked(args: readonly string[], answers: readonly string[]): Promise<string>;
}

const SET_UP = `
set -e
mount -t tmpfs -o size=900m,mode=755 tmpfs "$1"
for name in etc log lib block work; do mkdir "$1/$name"; done
cp -a /etc/. "$1/etc"
: > "$1/etc/fstab"
mount --bind "$1/etc" /etc
mount --bind "$1/log" /var/log
mount --bind "$1/lib" /var/lib
if [ "$2" = disks ]; then mount --bind "$1/block" /sys/block; fi
echo ready
exec cat
`;

/**
 * For as long as the test runs. Loop devices inside are let go of, as all are made by \`mount -o loop\`. With
 * `'disks'` its /sys/block is an empty folder too, for SCSI disks that this machine has not.
 */
export async function privateMachine(has: 'loops' | 'disks' = 'loops'): Promise<PrivateMachine> {
  const folder = await temporary();
  const child = spawn('unshare', ['-m', '-p', '-f', '--mount-proc', 'sh', '-c', SET_UP, 'sh', folder, has], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  const inner = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  const prefix = ['nsenter', '-t', inner, '-m', '-p', '--'];
  const [enter = '', ...rest] = prefix;
  return {
    folder: join(folder, 'work'),
    sh: (script, ...args) =>
      execFileSync(enter, [...rest, 'sh', '-ec', script, 'sh', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }).toString(),
    mptfix: (args) => mptfix(args, { prefix }),
    mptfixAsked: async (args, answers) => {
      const command = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ');
      const terminal = spawn(enter, [...rest, 'script', '-qec', command, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let shown = '';
      let answered = 0;
      terminal.stdout.on('data', (chunk: Buffer) => {
        shown += chunk.toString();
        for (; shown.split('[y/N]').length - 1 > answered; answered += 1)
          terminal.stdin.write(`${answers[answered] ?? 'n'}\n`);
      });
      await once(terminal, 'close');
      await requireTypedCommands(args, { stdout: '', stderr: shown.replaceAll('\r', '') });
      return shown;
    },
  };
}

/** Makes an image of a file system and mounts it there; answers where, and the name of its loop device. */
export function mountImage(
  machine: PrivateMachine,
  image: {
    readonly type: string;
    readonly megabytes: number;
    readonly options?: string;
    readonly as?: string;
  },
): { readonly mountPoint: string; readonly device: string; readonly name: string; readonly image: string } {
  const name = `${image.type}-${image.megabytes}`;
  const file = join(machine.folder, `${name}.img`);
  const mountPoint = join(machine.folder, name);
  machine.sh(
    `truncate -s "$1M" "$2"; case $3 in ext*) mkfs.$3 -q -F "$2" ;; *) mkfs.$3 -q -f "$2" ;; esac
     mkdir "$4"; mount -t "$6" -o "loop$5" "$2" "$4"`,
    String(image.megabytes),
    file,
    image.type,
    mountPoint,
    image.options === undefined ? '' : `,${image.options}`,
    image.as ?? image.type,
  );
  const device = machine.sh('losetup -j "$1" | cut -d: -f1', file).trim();
  return { mountPoint, device, name: device.replace('/dev/', ''), image: file };
}

/** The line of the mount table inside. */
export function mountLine(machine: PrivateMachine, mountPoint: string): string {
  return machine.sh('grep -F " $1 " /proc/1/mountinfo', mountPoint).trim();
}
