import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { copyPrograms, type OldGuest, oldGuest } from '../bundle/old-guest.ts';
import { ERAS } from '../initramfs/era-guest.ts';
import { type SshGuest, sshGuest } from './sshd.ts';

export interface OldSshGuest extends OldGuest {
  readonly ssh: SshGuest;
  /** The bundle that was made for it. */
  readonly bundle: string;
}

/** A RHEL 5 of the time behind an sshd of its own, until the test has ended. It has sha256sum: that is not what is tested. */
export async function oldSshGuest(): Promise<OldSshGuest> {
  const guest = await oldGuest(ERAS[0] as (typeof ERAS)[number], ['dash']);
  copyPrograms(guest.root, ['sha256sum']);
  for (const folder of ['var/run', 'proc/sys/kernel'])
    mkdirSync(join(guest.root, folder), { recursive: true });
  writeFileSync(join(guest.root, 'proc/sys/kernel/osrelease'), `${guest.era.release}\n`);
  const ssh = await sshGuest(guest.root);
  onTestFinished(() => ssh.close());
  // What is sent comes and goes there.
  const all = (): string[] => guest.all().filter((line) => !line.startsWith('var/run d '));
  return { ...guest, all, ssh, bundle: join(guest.root, 'bundle.run') };
}
