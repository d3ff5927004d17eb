import { basename, join } from 'node:path';
import type { ArchiveOptions } from '../../build-options.ts';
import { LIMITS } from '../../limits.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import { packageName, packageVersion } from '../../names.ts';
import type { Workspace } from '../../work/workspace.ts';
import { requireVouched } from '../trust.ts';
import type { Apt, AptPackage } from './apt.ts';

/** More than any folder of one kernel's packages. */
const MAX_DEBS = 2000;

/** For each file its control fields, in a stanza of its own; of what is no package its name alone. */
const READ_FIELDS =
  'for file; do echo "File: $file"; dpkg-deb --field "$file" Package Version Architecture Depends; echo; done';

/** What the sandbox shows the folder as. */
const SHOWN = '/packages';

export interface FolderOptions {
  /** The kernel's, as dpkg calls it; undefined: of any. */
  readonly architecture: string | undefined;
  readonly archives: ArchiveOptions;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A folder with packages and no index, as somebody has put them there. dpkg-deb reads what each one is, in a sandbox; no
 * signature says whose they are, so that `--sha256` or `--allow-unsigned` must.
 */
export async function openDebs(
  workspace: Workspace,
  folder: string,
  { architecture, archives, signal }: FolderOptions,
): Promise<Apt> {
  const { machine, user } = workspace;
  await requireTools(machine, [TOOLS.dpkgDeb]);
  const names = (await machine.list(folder)).filter((name) => name.endsWith('.deb')).slice(0, MAX_DEBS);
  const files = names.map((name) => join(SHOWN, name));
  const result = await machine.run(['sh', '-c', READ_FIELDS, 'sh', ...files], {
    effect: 'read',
    user,
    signal,
    sandbox: { readOnly: [{ from: folder, to: SHOWN }], writable: [] },
  });
  signal?.throwIfAborted();
  const fits = (name: string) => (one: Stanza) =>
    one.name === name && (architecture === undefined || ['all', architecture].includes(one.architecture));
  const known = new Map<AptPackage, string>();
  return {
    show: async (name) => {
      const found: AptPackage[] = [];
      for (const stanza of stanzas(result.stdout.toString('utf8')).filter(fits(name))) {
        const path = join(folder, basename(stanza.file));
        const { name, version, depends } = stanza;
        const size = (await machine.stat(path))?.size ?? 0;
        const one = { name, version, depends, size, sha256: await machine.hash(path, LIMITS.archiveBytes) };
        known.set(one, path);
        found.push(one);
      }
      return found;
    },
    download: async (packages) => {
      const given = workspace.at('debs');
      await machine.mkdir(given, 0o700);
      const copies: string[] = [];
      for (const one of packages) {
        const path = known.get(one) ?? '';
        const copy = workspace.own(basename(path));
        await machine.copy(path, copy);
        const sha256 = await machine.hash(copy, LIMITS.archiveBytes);
        requireVouched({ path, sha256, why: 'a folder of packages has no signed index' }, archives);
        copies.push(join(given, basename(path)));
        await machine.rename(copy, join(given, basename(path)));
      }
      await workspace.handOver(given);
      return copies;
    },
  };
}

interface Stanza extends Pick<AptPackage, 'name' | 'version' | 'depends'> {
  readonly file: string;
  readonly architecture: string;
}

function stanzas(text: string): readonly Stanza[] {
  return text
    .split(/^(?=File: )/m)
    .map((stanza) => {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
      return {
        file: field('File'),
        name: field('Package'),
        version: field('Version'),
        depends: field('Depends'),
        architecture: field('Architecture'),
      };
    })
    .filter(({ name, version }) => packageName(name) !== undefined && packageVersion(version) !== undefined);
}
