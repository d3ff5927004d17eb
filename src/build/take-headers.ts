import { unpackedBelow } from '../kernel-source/header-parts.ts';
import { configOf, type Headers, readHeaders } from '../kernel-source/headers.ts';
import type { Obtained } from '../kernel-source/request.ts';
import type { Target } from '../machine/port.ts';
import { localTarget, rootTarget } from '../machine/tree.ts';
import { noCache } from '../work/cache.ts';
import { obtainTree } from './configured-tree.ts';
import { requireHostPrograms } from './host-programs.ts';
import type { Job, StepContext } from './job.ts';
import { askEarly, type EarlyAnswer } from './toolchain/early.ts';
import type { Toolchain } from './toolchain/toolchain.ts';

/** The build folder with all its parts, or the whole tree that serves as one. */
export async function takeHeaders(
  context: StepContext,
  fetched: Obtained,
  isPacked: boolean,
): Promise<Headers> {
  const { job, options, workspace, cache, signal } = context;
  if (options.wholeTree) return obtainTree(context, sourcePath(context, fetched));
  const { kind, place: shownIn } = await context.toolchain;
  const { headers, guest } = job;
  // A tree's programs come with their own C library.
  const libraries = kind === 'machine' ? { libraries: libraryPlaces(job, fetched.libraries) } : {};
  const how = { ...libraries, shownIn: kind === 'image' ? null : shownIn, signal };
  if (headers.kind === 'guest' && guest !== undefined) {
    const key = JSON.stringify(['headers of a proven build', guest.name, headers.path]);
    const before = isPacked || kind === 'image' ? undefined : await cache.get(key);
    // Only a guess: were it wrong, the copy would be made later.
    const taken = await readHeaders(guest, headers.path, workspace, {
      ...how,
      copyLater: before !== undefined,
    });
    if (taken.digest !== undefined && before?.toString() !== taken.digest)
      await cache.put(key, Buffer.from(taken.digest));
    return taken;
  }
  const { origin, folder } = headersPlace(context, fetched);
  return readHeaders(origin, folder, workspace, how);
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
