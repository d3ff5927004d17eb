import { join } from 'node:path';
import { failure } from '../../errors.ts';
import { packageName, packageVersion } from '../../names.ts';
import { defined } from '../../optional.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { Apt, AptPackage } from './apt.ts';

export interface WantedPackages {
  /** The build folder's package first, such as linux-headers-6.1.0-56-amd64. */
  readonly headers?: readonly string[];
  /** Such as linux-source-6.1. */
  readonly source?: string;
  /** Further packages of the same version, such as linux-image-6.1.0-56-amd64. */
  readonly more?: readonly string[];
  /** Packages of any version: what the headers' own programs need. */
  readonly libraries?: readonly string[];
  /** The kernel package's version: all must be of it. Undefined: the newest, and all of that one. */
  readonly version: string | undefined;
}

/** Packages for each purpose, in their order. */
export interface FoundPackages {
  readonly headers: readonly AptPackage[];
  readonly libraries: readonly AptPackage[];
  readonly more: readonly AptPackage[];
  readonly source: AptPackage | undefined;
}

/**
 * Finds the headers, all the packages they are split into, and the source, all of one version, in the archives.
 * Throws E_HEADERS_MISSING or E_SOURCE_MISSING naming every package that is missing, with its version.
 */
export async function findPackages(apt: Apt, wanted: WantedPackages): Promise<FoundPackages> {
  const missing: Missing[] = [];
  let { version } = wanted;
  const pick = async (
    purpose: Missing['purpose'],
    names: readonly string[],
    exactly: string | undefined,
  ): Promise<readonly AptPackage[]> => {
    for (const name of names) {
      const all = await apt.show(name);
      const match = exactly === undefined ? all[0] : all.find((candidate) => candidate.version === exactly);
      if (match !== undefined) return [match];
      if (name === names.at(-1))
        missing.push({
          purpose,
          name: names[0] ?? name,
          version: exactly,
          others: all.map((one) => one.version),
        });
    }
    return [];
  };
  const headers: AptPackage[] = [];
  for (const name of wanted.headers ?? []) headers.push(...(await pick('headers', [name], version)));
  version ??= headers[0]?.version;
  for (const { name, exactly } of headerDependencies(headers.map(({ depends }) => depends).join(','))) {
    const known = headers.some((one) => one.name === name);
    if (!known)
      headers.push(...(await pick('headers', [name], exactly ?? (await atLeast(apt, name, version)))));
  }
  const libraries: AptPackage[] = [];
  for (const name of wanted.libraries ?? []) libraries.push(...(await pick('headers', [name], undefined)));
  const more: AptPackage[] = [];
  for (const name of wanted.more ?? []) more.push(...(await pick('source', [name], version)));
  const sources = wanted.source === undefined ? [] : sourceNames(wanted.source, headers);
  const [source] = await pick('source', sources, version);
  const found = [...headers, ...libraries, ...more, ...(source === undefined ? [] : [source])];
  if (missing.length > 0) throw notFound(missing, found);
  return { headers, libraries, more, source };
}

interface Missing {
  readonly purpose: 'headers' | 'source';
  readonly name: string;
  readonly version: string | undefined;
  /** The versions of it that there are. */
  readonly others: readonly string[];
}

function notFound(missing: readonly Missing[], found: readonly AptPackage[]): Error {
  const [first] = missing;
  const all = missing.length + found.length;
  const names = missing.map(({ name, version, others }) => {
    const full = version === undefined ? name : `${name} ${version}`;
    return others.length === 0 ? full : `${full} (they have ${others.join(', ')})`;
  });
  const count = all === 1 ? '' : `; found ${found.length} of ${all} packages`;
  const words = missing.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`));
  const options = [...new Set(missing.map(({ purpose }) => `--${purpose}`))].sort();
  return failure(
    first?.purpose === 'headers' ? 'E_HEADERS_MISSING' : 'E_SOURCE_MISSING',
    `the archives have no ${names.join(' and no ')}${count}`,
    `fetch ${words.join(' ')} by hand (old versions: snapshot.debian.org, Ubuntu’s: launchpad.net) and give --mirror with their folder, or ${options.join(' and ')}`,
  );
}

/**
 * Ubuntu builds kernels for several releases from sources of their own, such as linux-hwe-5.15. The headers say which: they
 * depend on linux-hwe-5.15-headers-5.15.0-91, and the source is linux-hwe-5.15-source-5.15.0.
 */
function sourceNames(usual: string, headers: readonly AptPackage[]): readonly string[] {
  const own = headers
    .map(({ name }) => /^(linux-[a-z0-9.-]+)-headers-(\d+\.\d+\.\d+)-/.exec(name))
    .flatMap((match) => (match === null ? [] : [`${match[1]}-source-${match[2]}`]));
  return [...own, usual];
}

/** The dependency on linux-kbuild is a >=: the same version where there is one, else the newest. */
async function atLeast(apt: Apt, name: string, version: string | undefined): Promise<string | undefined> {
  const all = await apt.show(name);
  return all.some((candidate) => candidate.version === version) ? version : undefined;
}

/** Unpacks one .deb below a folder, as the workspace's user. */
export async function unpackDeb(
  workspace: Workspace,
  file: string,
  root: string,
  signal?: AbortSignal,
): Promise<void> {
  const { machine, user } = workspace;
  const argv = ['dpkg-deb', '--extract', file, root] as const;
  const result = await machine.run(argv, { effect: 'write', user, signal });
  signal?.throwIfAborted();
  if (result.status === 0) return;
  throw failure(
    'E_FETCH',
    `${file.replace(/^.*\//, '')} cannot be unpacked: ${result.stderr.trim().split('\n')[0]}`,
    'check that the disk of the work folder has space (--work), and try again',
  );
}

/** The tarball that a linux-source package puts into /usr/src. Throws E_SOURCE_MISSING where there is none. */
export async function sourceArchive(workspace: Workspace, root: string): Promise<string> {
  const folder = join(root, 'usr/src');
  const names = await workspace.machine.list(folder);
  const name = names.find((candidate) =>
    /^(?:linux|kernel)-[a-z0-9.-]*source-[\w.+~-]+\.tar(\.\w+)?$/.test(candidate),
  );
  if (name !== undefined) return join(folder, name);
  throw failure(
    'E_SOURCE_MISSING',
    'the source package has no tarball below /usr/src',
    'unpack the package by hand and give its tarball with --source',
  );
}

/**
 * The packages that a headers package is split into: linux-headers-…-common, linux-kbuild-X.Y, Ubuntu's
 * linux-headers-X.Y.Z-N or linux-hwe-X.Y-headers-X.Y.Z-N; `exactly` is the version where the field demands one with `=`.
 * It also depends on the compiler, which the toolchain provides.
 */
export function headerDependencies(depends: string): readonly { name: string; exactly?: string }[] {
  return depends
    .split(',')
    .map((part) => /^\s*([a-z0-9][a-z0-9.+-]*)(?::\w+)?\s*(?:\(=\s*([^)\s]+)\))?/.exec(part))
    .filter((match) => match !== null)
    .filter((match) =>
      /^(?:linux-(?:[a-z0-9.-]+-)?headers|linux-kbuild|kernel-kbuild|kernel-headers)-/.test(match[1] ?? ''),
    )
    .filter((match) => packageName(match[1]) !== undefined)
    .map(([, name = '', exactly]) => ({ name, ...defined({ exactly: packageVersion(exactly) }) }));
}
