import { failure } from '../../errors.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { UnpackOptions } from '../archive.ts';
import { findFolder } from '../build-folder.ts';
import type { FetchedPackage, Obtain, PackageRequest } from '../request.ts';
import type { RpmArchive } from './archive.ts';
import { openRpmArchives } from './mirrors.ts';
import { type FoundRpm, fileName, fitting, rpmVersion, type WantedRpm } from './package.ts';
import { prepareSpec } from './prepare.ts';
import { requireSigned, rpmKeys } from './signature.ts';
import { unpackRpm } from './unpack.ts';

/** RPMs of Red Hat's and SUSE's families: found, fetched, their signatures checked, unpacked without their scriptlets. */
export const obtainByRpm: Obtain = async (workspace, request, options) => {
  const { provider, kernel, wants, guest, archives } = request;
  const { progress, signal } = options;
  progress.note(`looking for packages in ${archives.mirrors.join(', ')}`);
  const opened = await openRpmArchives(workspace, { archives, keeps: request.keeps, signal });
  const found = await findRpms(opened, wantedRpms(request), request);
  const keys = await rpmKeys(workspace, guest, archives);
  const root = await workspace.userFolder('packages');
  const spec = await workspace.userFolder('spec');
  const packages: FetchedPackage[] = [];
  for (const { archive, rpm } of found) {
    const name = fileName(rpm);
    const file = workspace.own(name);
    await archive.fetch(rpm, file, progress);
    // What another user has put there may be closed to the one that checks it.
    await workspace.machine.run(['chmod', '0644', file], { effect: 'write' });
    progress.note(`checking ${name}`);
    const sha256 = await requireSigned(workspace, file, { keys, archives, signal });
    progress.note(`unpacking ${name}`);
    await unpackRpm(workspace, file, rpm.isSource ? spec : root, signal);
    await workspace.machine.remove(file);
    packages.push({
      name: rpm.isSource ? `${rpm.name}.src` : rpm.name,
      version: `${rpm.version}-${rpm.release}`,
      sha256,
    });
  }
  const { machine } = workspace;
  return {
    packages,
    headers: wants.headers ? await findFolder(machine, root, provider.buildFolder(kernel)) : undefined,
    source: wants.source ? await sourceOf(workspace, request, { root, spec, found }, options) : undefined,
  };
};

function wantedRpms({ provider, kernel, wants }: PackageRequest): readonly WantedRpm[] {
  const { headers, source } = provider.packages(kernel);
  const all: WantedRpm[] = [
    ...(wants.headers ? headers : []).map((name) => ({ name, isSource: false, purpose: 'headers' as const })),
    ...(wants.source
      ? [{ name: source, isSource: provider.source === 'spec', purpose: 'source' as const }]
      : []),
  ];
  return all.filter(
    ({ name, isSource }, index) =>
      all.findIndex((one) => one.name === name && one.isSource === isSource) === index,
  );
}

interface Picked {
  readonly archive: RpmArchive;
  readonly rpm: FoundRpm;
}

/** Throws E_HEADERS_MISSING or E_SOURCE_MISSING, naming all that is missing, what there is instead, and where it was looked for. */
async function findRpms(
  archives: readonly RpmArchive[],
  wanted: readonly WantedRpm[],
  request: PackageRequest,
): Promise<readonly Picked[]> {
  const names = [...new Set(wanted.map(({ name }) => name))];
  const all = await Promise.all(
    archives.map(async (archive) => (await archive.find(names)).map((rpm) => ({ archive, ...rpm }))),
  );
  const known = all.flat();
  const picked: Picked[] = [];
  const missing: { readonly one: WantedRpm; readonly others: readonly string[] }[] = [];
  for (const one of wanted) {
    const [best] = fitting(known, one, request);
    if (best !== undefined) picked.push({ archive: best.archive, rpm: best });
    else {
      const others = known.filter(({ name, isSource }) => name === one.name && isSource === one.isSource);
      missing.push({ one, others: [...new Set(others.map(fileName))] });
    }
  }
  if (missing.length > 0) throw notFound(missing, { wanted, archives, request });
  return picked;
}

/** The most file names that a message gives. */
const NAMED = 5;

function notFound(
  missing: readonly { readonly one: WantedRpm; readonly others: readonly string[] }[],
  {
    wanted,
    archives,
    request,
  }: {
    readonly wanted: readonly WantedRpm[];
    readonly archives: readonly RpmArchive[];
    readonly request: PackageRequest;
  },
): Error {
  const version = rpmVersion(request.kernel);
  const architecture = request.kernel.architecture ?? request.architecture;
  const words = missing.map(({ one: { name, isSource }, others }) => {
    const more = others.length > NAMED ? ` and ${others.length - NAMED} more` : '';
    const there = others.length === 0 ? '' : ` (there are ${others.slice(0, NAMED).join(', ')}${more})`;
    return `${name}-${version}.${isSource ? 'src' : architecture}.rpm${there}`;
  });
  return failure(
    missing.some(({ one }) => one.purpose === 'headers') ? 'E_HEADERS_MISSING' : 'E_SOURCE_MISSING',
    `found ${wanted.length - missing.length} of ${wanted.length} packages in ${archives.map(({ name }) => name).join(', ')}: no ${words.join(', and no ')}`,
    'fetch it by hand and give its folder with a further --mirror; it must be of exactly this release',
  );
}

async function sourceOf(
  workspace: Workspace,
  { provider, kernel, architecture, wants }: PackageRequest,
  { root, spec, found }: { readonly root: string; readonly spec: string; readonly found: readonly Picked[] },
  options: UnpackOptions,
): Promise<string> {
  if (provider.source === 'tree') return findFolder(workspace.machine, root, provider.sourceFolder ?? []);
  const rpm = found.find(({ rpm: { isSource } }) => isSource)?.rpm;
  const name = rpm === undefined ? 'the source RPM' : fileName(rpm);
  const target = kernel.architecture ?? RPM_TARGETS[architecture] ?? architecture;
  return prepareSpec(
    workspace,
    { folder: spec, name, architecture: target, wholeTree: wants.wholeTree },
    options,
  );
}

/** For which processor a spec is read, where the release does not say. */
const RPM_TARGETS: Readonly<Record<string, string>> = { i386: 'i686' };
