import { join } from 'node:path';
import { failure } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { openApt } from '../source/apt.ts';
import { hasSources } from '../source/apt-config.ts';
import { type FetchedPackage, fetchAndUnpack, findPackages, sourceArchive } from '../source/debian.ts';
import type { DriverFiles } from '../source/driver-files.ts';
import { type Headers, privateHeaders } from '../source/headers.ts';
import { readDriverTree } from '../source/tree.ts';
import { unpackDriver } from '../source/unpack.ts';
import { localTarget } from '../target/local.ts';
import type { Target } from '../target/port.ts';
import type { Workspace } from '../target/workspace.ts';
import type { Origin, Plan } from './plan.ts';

/** Packages that were fetched into the workspace; empty where all is local. */
export interface Fetched {
  readonly packages: readonly FetchedPackage[];
  /** Folder that stands for / of the packages. */
  readonly root: string | undefined;
}

/** Fetches what of the plan comes in packages, from the guest's own archives, or the machine's where it names none. */
export async function fetchPackages(
  target: Target,
  plan: Plan,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Fetched> {
  const headers = packageName(plan.headers);
  const source = packageName(plan.source);
  if (headers === undefined && source === undefined) return { packages: [], root: undefined };
  const machine = localTarget({ dryRun: true });
  const origin = (await hasSources(target)) ? target : machine;
  progress.note(`reading the package lists of ${origin.name}`);
  const apt = await openApt(workspace, origin, signal);
  const packages = await findPackages(apt, {
    ...(headers === undefined ? {} : { headers }),
    ...(source === undefined ? {} : { source }),
    version: plan.kernel.packageVersion ?? undefined,
  });
  return fetchAndUnpack(workspace, apt, packages, progress, signal);
}

function packageName(origin: Origin | null): string | undefined {
  return origin?.kind === 'package' ? origin.name : undefined;
}

/** The driver's files, from a folder, a tarball or the fetched package. */
export async function obtainSource(
  plan: Plan,
  fetched: Fetched,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<DriverFiles> {
  const { machine, user } = workspace;
  const path =
    plan.source?.kind === 'local' ? plan.source.path : await sourceArchive(workspace, fetched.root ?? '');
  const status = await machine.stat(path);
  if (status === undefined) {
    throw failure(
      'E_SOURCE_MISSING',
      `there is no ${path}`,
      'give --source a kernel’s source: a tarball or a folder',
    );
  }
  if (status.type === 'directory') return readDriverTree(machine, path);
  return unpackDriver(machine, path, { progress, signal, ...(user === undefined ? {} : { user }) });
}

/** The build folder in its private copy. */
export async function obtainHeaders(
  target: Target,
  plan: Plan,
  fetched: Fetched,
  workspace: Workspace,
): Promise<Headers> {
  const { headers } = plan;
  if (headers?.kind === 'guest') return privateHeaders(target, headers.path, workspace);
  const machine = localTarget({ dryRun: true });
  const folder =
    headers?.kind === 'local' ? headers.path : join(fetched.root ?? '', 'usr/src', headers?.name ?? '');
  return privateHeaders(machine, folder, workspace);
}
