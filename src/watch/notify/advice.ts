import type { WatchedState } from '../states.ts';

/** What an admin should do next; the order matters. Never a remount,rw: an aborted journal has to be checked first. */
const FAILED: readonly string[] = [
  'see that the storage answers again before anything else (the hypervisor’s path state, the kernel’s messages)',
  'save the kernel’s messages somewhere that can be written: dmesg > /dev/shm/dmesg.txt',
  'stop what writes to it; do not remount it rw and do not run fsck while it is mounted',
  'not the root: umount it, e2fsck -f (XFS: mount and umount it once, xfs_repair only if needed), mount it',
  'the root: reboot with a forced check (fsck.mode=force; before systemd: forcefsck)',
  'then start again what died with it: network, sshd, whatever keeps lock files; mptfix recover lists the steps for this guest',
];

const ADVICE: Readonly<Record<WatchedState, readonly string[]>> = {
  ok: ['look whether services died in between (network, sshd), and whether its file system was checked'],
  errors: ['plan a check of this file system: e2fsck -f while it is not mounted'],
  'read-only': FAILED,
  'shut-down': FAILED,
  'io-error': FAILED,
  hang: [
    'the disk does not answer: the kernel still waits. See to the storage first; the guest may go on by itself',
    ...FAILED.slice(1),
  ],
};

export function adviceFor(states: readonly WatchedState[]): readonly string[] {
  return ADVICE[states.includes('hang') ? 'hang' : (states[0] ?? 'read-only')];
}
