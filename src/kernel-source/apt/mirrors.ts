import { join } from 'node:path';
import { type ArchiveOptions, isRemote } from '../../build-options.ts';
import { failure } from '../../errors.ts';
import { readDistro } from '../../guest/distro.ts';
import type { Target } from '../../machine/port.ts';
import type { Workspace } from '../../work/workspace.ts';
import { type Apt, type AptPackage, openApt } from './apt.ts';
import { hasSources } from './config.ts';
import { openDebs } from './folder.ts';
import type { AptSource } from './sources.ts';

interface Opening {
  /** Whose archives and keys count: the guest. */
  readonly guest: Target;
  /** The kernel's, as dpkg calls it. */
  readonly architecture: string | undefined;
  readonly archives: ArchiveOptions;
  readonly signal?: AbortSignal | undefined;
}

/** The archives that `--mirror` names; without it those of the guest, or of this machine where the guest names none. */
export async function openArchives(workspace: Workspace, opening: Opening): Promise<Apt> {
  const { guest, architecture, archives, signal } = opening;
  if (archives.mirrors.length === 0) {
    const origin = (await hasSources(guest)) ? guest : workspace.machine;
    return openApt(workspace, origin, { architecture, signal });
  }
  const sources: AptSource[] = [];
  const opened: Apt[] = [];
  for (const mirror of archives.mirrors) {
    const source = await sourceOf(workspace, mirror, opening);
    if (source === undefined)
      opened.push(await openDebs(workspace, mirror, { architecture, archives, signal }));
    else sources.push(source);
  }
  if (sources.length > 0) {
    const mirrors = { sources, keys: archives.mirrorKeys };
    opened.push(await openApt(workspace, guest, { architecture, signal, mirrors }));
  }
  return together(opened);
}

/** How apt reads a mirror; undefined for a folder without an index. */
async function sourceOf(
  { machine }: Pick<Workspace, 'machine'>,
  mirror: string,
  { guest, archives }: Opening,
): Promise<AptSource | undefined> {
  const entry = {
    types: ['deb'],
    signedBy: [],
    embeddedKey: undefined,
    // Archives of old releases have indexes that expired long ago: their signatures still hold.
    options: new Map([
      ['check-valid-until', 'no'],
      ...(archives.allowUnsigned ? [['trusted', 'yes'] as const] : []),
    ]),
  };
  if (!isRemote(mirror)) {
    if ((await machine.stat(mirror))?.type !== 'directory') {
      throw failure(
        'E_FETCH',
        `there is no folder ${mirror}`,
        'give --mirror a URL, or a folder with packages',
      );
    }
    const uris = [`file:${encodeURI(mirror)}`];
    const names = await machine.list(mirror);
    if (names.some((name) => /^Packages(\.\w+)?$/.test(name)))
      return { ...entry, uris, suites: ['./'], components: [] };
    if (!names.includes('dists')) return undefined;
    const known = (await machine.list(join(mirror, 'dists'))).filter((name) => /^[\w.-]+$/.test(name));
    const suites = await suitesOf(guest, known);
    const folders = await Promise.all(suites.map((suite) => machine.list(join(mirror, 'dists', suite))));
    const components = (await componentsOf(guest)).filter((name) =>
      folders.some((names) => names.includes(name)),
    );
    return { ...entry, uris, suites, components };
  }
  return { ...entry, uris: [mirror], suites: await suitesOf(guest), components: await componentsOf(guest) };
}

/** A release's own suite, and what came after it. */
async function suitesOf(guest: Target, known?: readonly string[]): Promise<readonly string[]> {
  const { codename, pretty } = await readDistro(guest);
  const name = codename?.toLowerCase().split(' ')[0] ?? '';
  if (!/^[a-z]+$/.test(name)) {
    throw failure(
      'E_FETCH',
      `the guest (${pretty}) does not say its release’s codename, by which archives are divided`,
      'fetch the packages by hand and give --mirror their folder',
    );
  }
  const suites = [name, `${name}-updates`, `${name}-security`];
  return known === undefined ? suites : suites.filter((suite) => known.includes(suite));
}

async function componentsOf(guest: Target): Promise<readonly string[]> {
  const { id } = await readDistro(guest);
  return id === 'debian' ? ['main'] : ['main', 'restricted', 'universe'];
}

/** Several archives as one: each package is fetched from where it was found. */
function together(archives: readonly Apt[]): Apt {
  const [first, ...others] = archives;
  if (first !== undefined && others.length === 0) return first;
  const from = new Map<AptPackage, Apt>();
  return {
    show: async (name) => {
      const all: AptPackage[] = [];
      for (const archive of archives) {
        for (const found of await archive.show(name)) {
          from.set(found, archive);
          all.push(found);
        }
      }
      return all;
    },
    download: async (packages, progress) => {
      const files = new Map<AptPackage, string>();
      for (const archive of archives) {
        const own = packages.filter((one) => from.get(one) === archive);
        const paths = own.length === 0 ? [] : await archive.download(own, progress);
        own.forEach((one, index) => void files.set(one, paths[index] ?? ''));
      }
      return packages.map((one) => files.get(one) ?? '');
    },
  };
}
