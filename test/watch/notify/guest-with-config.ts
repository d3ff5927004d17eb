import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mptfix, type Run, type RunSettings } from '../../helpers/cli.ts';
import { put, temporary } from '../../machine/temporary.ts';
import { kmsg } from '../cases.ts';
import { forgetTree, partitions } from '../guest.ts';

export const LOG = [
  'sd 0:0:0:0: SCSI error: return code = 0x00020008',
  'end_request: I/O error, dev sda, sector 1138',
  'Aborting journal on device sda1.',
];

export const mounts = (option: string): string =>
  `/dev/sda1 /data ext3 ${option} 0 0\n/dev/sda2 / ext3 rw 0 0\n`;

/** A guest with a file system that fstab wants writable. */
export async function guest(config: object | undefined, option = 'ro'): Promise<string> {
  const root = await temporary({
    'proc/mounts': mounts(option),
    'proc/partitions': partitions('8:1 sda1', '8:2 sda2'),
    'proc/sys/kernel/hostname': 'old-guest.example.org\n',
    'proc/sys/kernel/random/boot_id': 'boot-1\n',
    'etc/fstab': '/dev/sda1 /data ext3 defaults 0 2\n/dev/sda2 / ext3 defaults 0 1\n',
    'etc/hostname': 'old-guest.example.org\n',
    'etc/password': 'secret\nnot this\n',
    'dev/kmsg': kmsg(option === 'ro' ? LOG : []),
  });
  forgetTree(root);
  await chmod(join(root, 'etc/password'), 0o600);
  if (config !== undefined) await put(root, { 'etc/mptfix.json': JSON.stringify({ watch: config }) });
  return root;
}

const ONCE_IN = join(import.meta.dirname, 'once-in.ts');

/** One look, in a process of its own, at the guest as the machine that the watch runs on; mails `to` these. */
export const once = (root: string, ...words: readonly (string | RunSettings)[]): Promise<Run> => {
  const to = words.filter((word) => typeof word === 'string');
  const settings = words.find((word) => typeof word !== 'string');
  return mptfix([root, ...to], { ...settings, bin: ONCE_IN });
};

/** A test by a configuration of this machine that lies in the folder. */
export const testMail = (root: string): Promise<Run> =>
  mptfix(['watch', 'test-mail', '--root', root, '--config', join(root, 'etc/mptfix.json'), '--json']);

function withRelay(port: number, more: object, root: string): object {
  return {
    to: ['admin@example.org'],
    smtp: {
      host: '127.0.0.1',
      port,
      security: 'starttls',
      user: 'watch',
      passwordFile: `${root}/etc/password`,
      caFile: `${root}/etc/ca.pem`,
    },
    sendmail: false,
    timeLimitSeconds: 3,
    ...more,
  };
}

export async function guestWithRelay(
  server: { port: number; ca: string },
  option = 'ro',
  more: object = {},
): Promise<string> {
  const root = await guest(withRelay(server.port, more, ''), option);
  await writeFile(join(root, 'etc/ca.pem'), await readFile(server.ca));
  return root;
}

/** The same folder with a configuration for `testMail`. */
export async function machineWithRelay(
  server: { port: number; ca: string },
  more: object = {},
): Promise<string> {
  const root = await guestWithRelay(server, 'rw');
  await put(root, { 'etc/mptfix.json': JSON.stringify({ watch: withRelay(server.port, more, root) }) });
  return root;
}
