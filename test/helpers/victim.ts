import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { listing } from './listing.ts';
import { processesIn } from './processes.ts';

/**
 * What stands for this machine in the tests of the boundary: a folder of host files with a file system mounted in it,
 * a disk, a server that listens, and a running process. None of it is the machine's own.
 */
export interface Victim {
  /** Holds the host's folder, and beside it whatever a test makes: all that a run may name lies below it. */
  readonly base: string;
  /** The host's files. */
  readonly folder: string;
  /** A block device of the host, and its numbers as mknod takes them. */
  readonly disk: { readonly path: string; readonly major: number; readonly minor: number };
  /** An ext4 file system of the host, mounted in its folder, in a namespace of its own: tests beside must not see it. */
  readonly mount: { readonly folder: string; readonly device: string; readonly uuid: string };
  /** Where the host's server listens, on 127.0.0.1. */
  readonly port: number;
  /** A process of the host. */
  readonly bystander: number;
  /** What stands before a command that is to run on the host. */
  readonly prefix: readonly string[];
  /** Everything of it that a run could change or reach, a line each. Two are equal where nothing happened. */
  state(): string[];
  dispose(): Promise<void>;
}

/** Makes one; needs root. The base folder is one that everybody may enter. */
export async function openVictim(): Promise<Victim> {
  const base = realpathSync(mkdtempSync('/var/tmp/mptfix-boundary-'));
  execFileSync('chmod', ['755', base]);
  const folder = join(base, 'host');
  fill(folder);
  const disk = attach(join(base, 'disk.img'), 1);
  const device = attach(join(base, 'mounted.img'), 8);
  execFileSync('mkfs.ext4', ['-q', '-F', '-e', 'remount-ro', device]);
  const holder = await mountApart(device, join(folder, 'mnt'));
  const uuid = execFileSync('blkid', ['-p', '-s', 'UUID', '-o', 'value', device]).toString().trim();
  const calls: string[] = [];
  const server = createServer((request, answer) => {
    calls.push(`called: ${request.method} ${request.url}`);
    answer.writeHead(500).end();
  });
  server.on('connection', () => calls.push('connected'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bystander = spawn('sleep', ['infinity'], { cwd: folder, stdio: 'ignore' });
  const numbers = statSync(disk).rdev;
  return {
    base,
    folder,
    disk: {
      path: disk,
      major: (numbers >> 8) & 0xfff,
      minor: (numbers & 0xff) | ((numbers >> 12) & 0xfff00),
    },
    mount: { folder: join(folder, 'mnt'), device, uuid },
    port: (server.address() as AddressInfo).port,
    bystander: bystander.pid ?? 0,
    prefix: ['/usr/bin/nsenter', '-t', String(holder.pid), '-m', '--'],
    state: () => [
      ...listing(`/proc/${holder.pid}/root${folder}`),
      `disk ${createHash('sha256').update(readFileSync(disk)).digest('hex')}`,
      `superblock ${execFileSync('dumpe2fs', ['-h', device], { stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .split('\n')
        .find((line) => line.startsWith('Errors behavior'))}`,
      ...readFileSync(`/proc/${holder.pid}/mountinfo`, 'utf8')
        .split('\n')
        .filter((line) => line.includes(base)),
      ...processesIn(base).map(({ pid, argv }) => `process ${pid} ${argv}`),
      ...calls,
    ],
    dispose: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const child of [bystander, holder]) await ended(child);
      execFileSync('losetup', ['-d', device, disk]);
      rmSync(base, { recursive: true, force: true });
    },
  };
}

function fill(folder: string): void {
  for (const name of ['mnt', 'etc/cron.d', 'lib/modules/host', 'data/deep/er'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['etc/passwd', 'etc/cron.d/job', 'data/one', 'data/deep/two', 'data/deep/er/three'])
    writeFileSync(join(folder, name), `the host’s ${name}\n`);
  for (const name of ['modules.dep', 'modules.alias', 'modules.order', 'modules.builtin'])
    writeFileSync(join(folder, 'lib/modules/host', name), '');
  writeFileSync(join(folder, 'secret'), 'the host’s secret\n', { mode: 0o600 });
}

/** A loop device with some bytes of its own. */
function attach(image: string, megabytes: number): string {
  writeFileSync(image, Buffer.alloc(megabytes * 1024 * 1024, 'host'));
  return execFileSync('losetup', ['--find', '--show', image]).toString().trim();
}

/** The mount goes with the process that holds its namespace. */
async function mountApart(device: string, folder: string): Promise<ChildProcess> {
  const script = 'mount "$0" "$1" && echo mounted && cd / && exec sleep infinity';
  const child = spawn('unshare', ['-m', 'sh', '-c', script, device, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
