import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { json, mptfix, type Run } from './cli.ts';
import type { GuestFixture } from './guest-tree.ts';

/** A folder for the tests of one file, and `mptfix build` in it. */
export interface Bench {
  /** Joins a path below the folder, which everybody may enter. */
  at(...parts: readonly string[]): string;
  /** The distro's headers, unpacked where everybody can read them. */
  headers(): string;
  /** A folder for a build's results that is not there yet. */
  output(): string;
  build(args: readonly string[], output: string, env?: Readonly<Record<string, string>>): Promise<Run>;
}

/** Made before a file's tests, and removed after them. Without a cache of its own in `env` no build uses one. */
export function buildBench({ guest, release }: GuestFixture): Bench {
  let work = '';
  let counter = 0;
  beforeAll(() => {
    work = mkdtempSync(join(dirname(dirname(guest)), 'build-'));
    execFileSync('chmod', ['755', work]);
    const tree = join(work, 'headers');
    mkdirSync(join(tree, 'usr'), { recursive: true });
    for (const name of ['usr/src', 'usr/lib'])
      execFileSync('cp', ['-al', join(guest, name), join(tree, name)]);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  return {
    at: (...parts) => join(work, ...parts),
    headers: () => join(work, 'headers/usr/src', `linux-headers-${release}`),
    output: () => {
      counter += 1;
      return join(work, `out-${counter}`);
    },
    build: (args, output, env = {}) => {
      const cache = env.XDG_CACHE_HOME === undefined ? ['--no-cache'] : [];
      return mptfix(['build', '--output', output, '--json', ...cache, ...args], { env });
    },
  };
}

/** The proofs of a build's document, by name. */
// biome-ignore lint/suspicious/noExplicitAny: the tests look into the document
export function proofs(run: Run): Record<string, any> {
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into the document
  return Object.fromEntries(json(run).artifact.proofs.map((proof: any) => [proof.name, proof]));
}
