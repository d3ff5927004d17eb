import { join } from 'node:path';
import { failure } from '../errors.ts';
import { openApt } from '../kernel-source/apt.ts';
import { hasSources } from '../kernel-source/apt-config.ts';
import { type FetchedPackage, fetchAndUnpack, findPackages, sourceArchive } from '../kernel-source/debian.ts';
import type { DriverFiles } from '../kernel-source/driver-files.ts';
import { readDriverTree } from '../kernel-source/driver-files.ts';
import { type Headers, privateHeaders } from '../kernel-source/headers.ts';
import { lookUpSource } from '../kernel-source/unpack.ts';
import { localTarget } from '../machine/tree.ts';
import type { Origin } from '../plan/origins.ts';
import type { Progress } from '../progress.ts';
import type { Cache } from '../work/cache.ts';
import type { Workspace } from '../work/workspace.ts';
import type { Job } from './job.ts';

type Wanted = Pick<Job, 'kernel' | 'source' | 'headers' | 'guest'>;

/** Packages that were fetched into the workspace; empty where all is local. */
export interface Fetched {
  readonly packages: readonly FetchedPackage[];
  /** Folder that stands for / of the packages. */
  readonly root: string | undefined;
}

/** Fetches what of the plan comes in packages, from the guest's own archives, or the machine's where it names none. */
export async function fetchPackages(
  job: Wanted,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Fetched> {
  const headers = packageName(job.headers);
  const source = packageName(job.source);
  if (headers === undefined && source === undefined) return { packages: [], root: undefined };
  const machine = localTarget({ dryRun: true });
  const { guest } = job;
  const origin = guest !== undefined && (await hasSources(guest)) ? guest : machine;
  progress.note(`reading the package lists of ${origin.name}`);
  const apt = await openApt(workspace, origin, signal);
  const packages = await findPackages(apt, {
    ...(headers === undefined ? {} : { headers }),
    ...(source === undefined ? {} : { source }),
    version: job.kernel.packageVersion ?? undefined,
  });
  return fetchAndUnpack(workspace, apt, packages, { progress, signal });
}

function packageName(origin: Origin): string | undefined {
  return origin.kind === 'package' ? origin.name : undefined;
}

/** The driver's files, or how to get them where that takes a while. */
export type Source =
  | { readonly atHand: true; readonly files: DriverFiles }
  | { readonly atHand: false; unpack(): Promise<DriverFiles> };

/** Finds the driver's files in a folder, a tarball or the fetched package; a tarball is not yet unpacked. */
export async function openSource(
  job: Wanted,
  fetched: Fetched,
  workspace: Workspace,
  progress: Progress,
  cache: Cache,
  signal: AbortSignal,
): Promise<Source> {
  const { machine, user } = workspace;
  const path = await sourcePath(job, fetched, workspace);
  const status = await machine.stat(path);
  if (status === undefined) {
    throw failure(
      'E_SOURCE_MISSING',
      `there is no ${path}`,
      'give --source a kernel’s source: a tarball or a folder',
    );
  }
  if (status.type === 'directory') return { atHand: true, files: await readDriverTree(machine, path) };
  const options = { progress, signal, ...(user === undefined ? {} : { user }) };
  const { known, unpack } = await lookUpSource(machine, path, options, cache);
  return known === undefined ? { atHand: false, unpack } : { atHand: true, files: known };
}

/** Where the source lies: what was given, or the tarball of the fetched package. */
export function sourcePath(job: Wanted, fetched: Fetched, workspace: Workspace): Promise<string> {
  return job.source.kind === 'local'
    ? Promise.resolve(job.source.path)
    : sourceArchive(workspace, fetched.root ?? '');
}

/** The build folder in its private copy. */
export async function obtainHeaders(job: Wanted, fetched: Fetched, workspace: Workspace): Promise<Headers> {
  const { headers, guest } = job;
  if (headers.kind === 'guest' && guest !== undefined) return privateHeaders(guest, headers.path, workspace);
  const machine = localTarget({ dryRun: true });
  const folder =
    headers.kind === 'local' ? headers.path : join(fetched.root ?? '', 'usr/src', packageName(headers) ?? '');
  return privateHeaders(machine, folder, workspace);
}
