import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** A program (or a file, by its whole path), and the Debian package that brings it. */
export type Needed = readonly [string, string];

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Installs what is missing, as root on Debian or Ubuntu. Elsewhere it names the command, and answers false.
 * `whom` is who needs it, such as `the tests`.
 */
export function installMissing(needed: readonly Needed[], whom: string): boolean {
  const missing = needed.filter(([name]) =>
    name.startsWith('/') ? !existsSync(name) : !FOLDERS.some((folder) => existsSync(`${folder}/${name}`)),
  );
  const packages = [...new Set(missing.map(([, name]) => name))];
  if (packages.length === 0) return true;
  const command = ['install', '--yes', '--no-install-recommends', ...packages];
  if (process.geteuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(`${whom} need: ${packages.join(' ')}\nas root: apt-get ${command.join(' ')}`);
    return false;
  }
  console.error(`installing for ${whom}: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...words: readonly string[]): number | null =>
    spawnSync('apt-get', words, { stdio: ['ignore', 2, 2], env }).status;
  apt('-q', 'update');
  return apt(...command) === 0;
}
