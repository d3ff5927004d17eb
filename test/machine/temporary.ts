import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Failure, isFailure } from '../../src/errors.ts';
import { openWorkspace, type Workspace } from '../../src/work/workspace.ts';

/** A text is a file; `{ link }` a symbolic link with that text. */
export type Entries = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

/** A folder on a disk with extended attributes, that everybody may enter, for as long as the test runs. */
export async function temporary(entries: Entries = {}): Promise<string> {
  const folder = await realpath(await mkdtemp('/var/tmp/mptfix-unit-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  await put(folder, entries);
  return folder;
}

export async function put(root: string, entries: Entries): Promise<void> {
  for (const [name, entry] of Object.entries(entries)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof entry === 'string' || entry instanceof Uint8Array) await writeFile(path, entry);
    else await symlink(entry.link, path);
  }
}

/** A workspace of its own, for as long as the test runs. */
export async function workspaceForTest(base?: string): Promise<Workspace> {
  const workspace = await openWorkspace(base ?? (await temporary()));
  onTestFinished(() => workspace.dispose());
  return workspace;
}

/** What a refused step says; throws where it was not refused, or by something else than a failure of ours. */
export async function failureOf(step: Promise<unknown>): Promise<Failure> {
  const error: unknown = await step.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (isFailure(error)) return error.failure;
  throw error;
}

/** Options with which every Node from the lowest on runs an ES module that imports .ts files. */
export const RUNS_TYPESCRIPT = [
  '--experimental-strip-types',
  '--no-warnings',
  '--input-type=module',
] as const;

/** Runs a script with real tools; `$1` and so on are the arguments. */
export function sh(script: string, ...args: readonly string[]): string {
  return execFileSync('sh', ['-ec', script, 'sh', ...args], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

/** Waits until something holds; throws after 40 seconds, ten times what it takes on a busy machine. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it never came to be');
}
