import { join } from 'node:path';
import { failure } from '../../errors.ts';
import { packageName, packageVersion } from '../../names.ts';
import { defined } from '../../optional.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { UnpackOptions } from '../archive.ts';
import type { Apt, AptPackage } from './apt.ts';

/** A package that was fetched, for the manifest. */
export type FetchedPackage = Pick<AptPackage, 'name' | 'version' | 'sha256'>;

export interface WantedPackages {
  /** Such as linux-headers-6.1.0-56-amd64. */
  readonly headers?: string;
  /** Such as linux-source-6.1. */
  readonly source?: string;
  /** Further packages of the same version, such as linux-image-6.1.0-56-amd64. */
  readonly more?: readonly string[];
  /** The kernel package's version: all must be of it. Undefined: the newest, and all of that one. */
  readonly version: string | undefined;
}

/**
 * Finds the headers, all the packages they are split into, and the source, all of one version, in the archives.
 * Throws E_HEADERS_MISSING or E_SOURCE_MISSING naming package and version.
 */
export async function findPackages(apt: Apt, wanted: WantedPackages): Promise<readonly AptPackage[]> {
  const found: AptPackage[] = [];
  let version = wanted.version;
  if (wanted.headers !== undefined) {
    const headers = await pick(apt, wanted.headers, version, 'E_HEADERS_MISSING');
    version ??= headers.version;
    found.push(headers);
    for (const { name, exactly } of headerDependencies(headers.depends)) {
      found.push(await pick(apt, name, exactly ?? (await atLeast(apt, name, version)), 'E_HEADERS_MISSING'));
    }
  }
  for (const name of wanted.more ?? []) found.push(await pick(apt, name, version, 'E_SOURCE_MISSING'));
  if (wanted.source !== undefined) found.push(await pick(apt, wanted.source, version, 'E_SOURCE_MISSING'));
  return found;
}

/** The dependency on linux-kbuild is a >=: the same version where there is one, else the newest. */
async function atLeast(apt: Apt, name: string, version: string): Promise<string | undefined> {
  const all = await apt.show(name);
  return all.some((candidate) => candidate.version === version) ? version : undefined;
}

async function pick(
  apt: Apt,
  name: string,
  version: string | undefined,
  code: 'E_HEADERS_MISSING' | 'E_SOURCE_MISSING',
): Promise<AptPackage> {
  const all = await apt.show(name);
  const match = version === undefined ? all[0] : all.find((candidate) => candidate.version === version);
  if (match !== undefined) return match;
  const others = all.map((candidate) => candidate.version).join(', ');
  const option = code === 'E_SOURCE_MISSING' ? '--source' : '--headers';
  throw failure(
    code,
    `the archives have no ${name}${version === undefined ? '' : ` ${version}`}${others === '' ? '' : ` (they have ${others})`}`,
    `fetch ${name}${version === undefined ? '' : `=${version}`} by hand (old versions: snapshot.debian.org, Ubuntu’s: launchpad.net) and give ${option}`,
  );
}

/**
 * Fetches the packages and unpacks them, all as the workspace's user, below one folder: `root` holds what they would put
 * below /.
 */
export async function fetchAndUnpack(
  workspace: Workspace,
  apt: Apt,
  packages: readonly AptPackage[],
  { progress, signal }: UnpackOptions,
): Promise<{ readonly packages: readonly FetchedPackage[]; readonly root: string }> {
  const files = await apt.download(packages, progress);
  const root = workspace.at('packages');
  await workspace.machine.mkdir(root, 0o755);
  await workspace.handOver(root);
  for (const file of files) {
    progress.note(`unpacking ${file.replace(/^.*\//, '')}`);
    await unpackDeb(workspace, file, root, signal);
    // A .deb of the source is as large as its content.
    await workspace.machine.remove(file);
  }
  return { root, packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })) };
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
  const name = names.find((candidate) => /^linux-source-[\w.+~-]+\.tar(\.\w+)?$/.test(candidate));
  if (name !== undefined) return join(folder, name);
  throw failure(
    'E_SOURCE_MISSING',
    'the source package has no tarball below /usr/src',
    'unpack the package by hand and give its tarball with --source',
  );
}

/**
 * The packages that a headers package is split into: linux-headers-…-common, linux-kbuild-X.Y, Ubuntu's
 * linux-headers-X.Y.Z-N; `exactly` is the version where the field demands one with `=`. It also depends on the
 * compiler, which the toolchain provides.
 */
export function headerDependencies(depends: string): readonly { name: string; exactly?: string }[] {
  return depends
    .split(',')
    .map((part) => /^\s*([a-z0-9][a-z0-9.+-]*)(?::\w+)?\s*(?:\(=\s*([^)\s]+)\))?/.exec(part))
    .filter((match) => match !== null)
    .filter((match) => /^linux-(headers|kbuild)-/.test(match[1] ?? ''))
    .filter((match) => packageName(match[1]) !== undefined)
    .map(([, name = '', exactly]) => ({ name, ...defined({ exactly: packageVersion(exactly) }) }));
}
