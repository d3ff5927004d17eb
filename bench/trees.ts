import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * A copy of a guest's tree that shares its files, without the headers: what a guest of the affected years has. Files in it are
 * replaced, never written to.
 */
export function copyGuest(from: string, to: string): void {
  execFileSync('sh', ['-ec', 'cp -al "$0" "$1"; rm -rf "$1/usr/src" "$1/var/lib/mptfix"', from, to]);
}

/** Puts back what apply changes in a copy: the driver, the index of the modules, mptfix's own state. Takes a moment. */
export function restoreGuest(from: string, to: string, releases: readonly string[]): void {
  for (const release of releases) {
    const modules = join('lib/modules', release);
    execFileSync('sh', ['-ec', RESTORE, join(from, modules), join(to, modules)]);
  }
  execFileSync('rm', ['-rf', join(to, 'var/lib/mptfix')]);
}

const RESTORE = `folder=kernel/drivers/message/fusion
rm -rf "$1/$folder" "$1"/modules.*
cp -al "$0/$folder" "$1/$folder"
cp -al "$0"/modules.* "$1"`;

/** The words that run `command` once for each place, which it finds in `$place`, one after the other until one fails. */
export function forEach(command: string, places: readonly string[]): readonly string[] {
  return ['sh', '-c', `for place; do ${command} || exit; done`, 'sh', ...places];
}
