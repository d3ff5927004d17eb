import { rm } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { sha256 } from '../../src/hash.ts';
import type { Target } from '../../src/machine/port.ts';
import { treeTarget } from '../../src/machine/tree.ts';
import { type Entries, temporary } from '../machine/temporary.ts';

/** A running guest as its /proc, /sys, /dev and /etc show it, for as long as the test runs. */
export async function guest(entries: Entries): Promise<Target & { readonly root: string }> {
  const root = await temporary(entries);
  return { ...treeTarget('local', root, 'this machine', { dryRun: false }), root };
}

/** What the watch keeps about a tree is this machine's: it goes with the test. */
export function forgetTree(root: string): void {
  onTestFinished(() => rm(`/run/mptfix/watch-${sha256(root).slice(0, 16)}.json`, { force: true }));
}

/** /proc/partitions of devices given as `8:1 sda1`. */
export function partitions(...devices: readonly string[]): string {
  const lines = devices.map((device) => {
    const [number = '', name = ''] = device.split(' ');
    return `${number.replace(':', ' ')} 1048576 ${name}`;
  });
  return ['major minor  #blocks  name', '', ...lines, ''].join('\n');
}
