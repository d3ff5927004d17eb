import { configOf } from '../kernel-source/header-facts.ts';
import { unpackedBelow } from '../kernel-source/header-parts.ts';
import { type Headers, type HeadersOptions, readHeaders } from '../kernel-source/headers.ts';
import { type HeadersInSight, headersInSight } from '../kernel-source/headers-in-sight.ts';
import type { Obtained } from '../kernel-source/request.ts';
import type { Target } from '../machine/port.ts';
import { localTarget, rootTarget } from '../machine/tree.ts';
import { defined } from '../optional.ts';
import { noCache } from '../work/cache.ts';
import { obtainTree } from './configured-tree.ts';
import { requireHostPrograms } from './host-programs.ts';
import type { Job, StepContext } from './job.ts';
import { askEarly, type EarlyAnswer } from './toolchain/early.ts';
import type { Toolchain } from './toolchain/toolchain.ts';

/** What is known of headers before all of them are read. */
export interface Expected {
  /** A build with them was proven before: only a guess that the cache has what will be asked for. */
  readonly isKnown: boolean;
  readonly inSight?: HeadersInSight | undefined;
}

/** The build folder with all its parts, or the whole tree that serves as one. */
export async function takeHeaders(
  context: StepContext,
  fetched: Obtained,
  { isKnown, inSight }: Expected,
): Promise<Headers> {
  const { job, options, workspace, cache, signal } = context;
  if (options.wholeTree) return obtainTree(context, sourcePath(context, fetched));
  const { origin, folder } = headersPlace(context, fetched);
  const how = { ...(await howShown(context, fetched)), signal };
  // Were the guess wrong, copies would be made later.
  const taken = await readHeaders(origin, folder, workspace, { ...how, inSight, copyLater: isKnown });
  const key = provenKey(job);
  if (key !== undefined && taken.digest !== undefined)
    if ((await cache.get(key))?.toString() !== taken.digest) await cache.put(key, Buffer.from(taken.digest));
  return taken;
}

/** What a look at the headers shows, for builds that begin before all is read; undefined where they cannot. */
export async function lookAtHeaders(
  context: StepContext,
  fetched: Obtained,
): Promise<HeadersInSight | undefined> {
  const { options, phase, workspace } = context;
  if (options.wholeTree || phase !== undefined || (await context.toolchain).kind === 'image')
    return undefined;
  const { origin, folder } = headersPlace(context, fetched);
  return headersInSight(origin, folder, workspace, await howShown(context, fetched));
}

/** Whether a build with a guest's headers was proven before. */
export async function isProvenBefore(context: StepContext, isPacked: boolean): Promise<boolean> {
  const key = provenKey(context.job);
  if (key === undefined || isPacked || (await context.toolchain).kind === 'image') return false;
  return (await context.cache.get(key)) !== undefined;
}

function provenKey({ headers, guest }: Job): string | undefined {
  if (headers.kind !== 'guest' || guest === undefined) return undefined;
  return JSON.stringify(['headers of a proven build', guest.name, headers.path]);
}

async function howShown(
  { job, toolchain }: Pick<StepContext, 'job' | 'toolchain'>,
  fetched: Obtained,
): Promise<Pick<HeadersOptions, 'libraries' | 'shownIn'>> {
  const { kind, place } = await toolchain;
  // A tree's programs come with their own C library.
  const libraries = kind === 'machine' ? { libraries: libraryPlaces(job, fetched.libraries) } : {};
  return { ...libraries, ...(kind === 'image' ? { shownIn: null } : defined({ shownIn: place })) };
}

/** Where the build folder lies. */
function headersPlace(
  { job: { headers, guest } }: Pick<StepContext, 'job'>,
  fetched: Obtained,
): { readonly origin: Target; readonly folder: string } {
  if (headers.kind === 'guest' && guest !== undefined) return { origin: guest, folder: headers.path };
  const folder = headers.kind === 'local' ? headers.path : (fetched.headers ?? '');
  return { origin: localTarget({ dryRun: true }), folder };
}

/**
 * Where the C library of the headers' own programs may be: the guest has it for itself; else its package was fetched, or
 * unpacked, beside that of the headers.
 */
export function libraryPlaces(
  { guest, headers }: Pick<Job, 'guest' | 'headers'>,
  fetched?: string,
): Target[] {
  const beside = headers.kind === 'local' ? unpackedBelow(headers.path) : '';
  const roots = [fetched ?? '', beside].filter((root) => root !== '');
  return [
    ...(guest === undefined ? [] : [guest]),
    ...roots.map((root) => rootTarget(root, { dryRun: true })),
  ];
}

/** Reading the headers takes longer than whatever the tools are asked, and needs no program. */
export async function askWhileReading(
  context: StepContext,
  toolchain: Toolchain,
  fetched: Obtained,
): Promise<EarlyAnswer | undefined> {
  const { options, workspace, cache } = context;
  if (options.wholeTree || toolchain.kind === 'image') return undefined;
  const { origin, folder } = headersPlace(context, fetched);
  const config = await configOf(origin, folder).catch(() => undefined);
  if (config === undefined) return undefined;
  return askEarly(workspace, toolchain, options, { config, ofTools: cache !== noCache });
}

/** Where nothing has to be compiled, nobody asks whether the headers' own programs run. */
export function provenWhenUsed(
  { workspace }: Pick<StepContext, 'workspace'>,
  toolchain: Toolchain,
  headers: Headers,
): Headers {
  const { ready } = headers;
  if (ready === undefined) return headers;
  let readied: Promise<void> | undefined;
  const proven = (): Promise<void> => {
    readied ??= ready().then(() => requireHostPrograms(workspace, toolchain, headers));
    return readied;
  };
  return { ...headers, ready: proven };
}

/** Where the source lies: what was given, or the tarball of the fetched package. */
export function sourcePath({ job }: StepContext, { source = '' }: Obtained): string {
  return job.source.kind === 'local' ? job.source.path : source;
}
