import { basename, join } from 'node:path';
import { failure } from '../../errors.ts';
import type { TargetReads } from '../../machine/port.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import { packageName, packageVersion } from '../../names.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { RpmArchive, RpmOpening } from './archive.ts';
import type { FoundRpm } from './package.ts';

/** What the sandbox shows the folder as. */
const SHOWN = '/packages';
/** A set of discs has some 5000. */
const MAX_NAMES = 50_000;
/** Those of one kernel and its like: the name of a file says what it is of. */
const MAX_FILES = 500;
/** RedHat/RPMS of a disc, and a folder above it. */
const MAX_DEPTH = 3;

/** A line for each file that is an RPM; no script of a package is run by a query. A source RPM names no source RPM. */
const QUERY = String.raw`%{NAME}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%|SOURCERPM?{binary}:{source}|\n`;
const EACH =
  'format=$1; shift; for file; do printf "%s\\t" "$file"; rpm -qp --nosignature --nodigest --define "_dbpath /tmp/rpm" --queryformat "$format" "$file" 2>/dev/null || echo; done';

/** A folder with RPMs and no index, as somebody has put them there. rpm reads what each one is, in a sandbox. */
export async function openRpmFolder(
  workspace: Workspace,
  folder: string,
  { signal }: Pick<RpmOpening, 'signal'>,
): Promise<RpmArchive> {
  const { machine, user } = workspace;
  await requireTools(machine, [TOOLS.rpm]);
  const paths = await rpmsBelow(machine, folder);
  return {
    name: folder,
    find: async (names) => {
      const files = paths
        .filter((path) => names.some((name) => basename(path).startsWith(`${name}-`)))
        .slice(0, MAX_FILES);
      if (files.length === 0) return [];
      const words = files.map((path) => join(SHOWN, path));
      const result = await machine.run(['sh', '-c', EACH, 'sh', QUERY, ...words], {
        effect: 'read',
        user,
        signal,
        sandbox: { readOnly: [{ from: folder, to: SHOWN }], writable: [] },
      });
      signal?.throwIfAborted();
      const found = parse(result.stdout.toString('utf8')).filter(({ name }) => names.includes(name));
      return Promise.all(
        found.map(async (one) => {
          const location = join(folder, one.location.slice(SHOWN.length + 1));
          return { ...one, location, size: (await machine.stat(location))?.size ?? 0 };
        }),
      );
    },
    fetch: async ({ location }, to) => {
      if ((await machine.stat(location))?.type !== 'file')
        throw failure(
          'E_FETCH',
          `${location} is no longer there`,
          'start again, once the folder is as it was',
        );
      await machine.copy(location, to);
    },
  };
}

/** Paths of all RPMs below the folder. */
async function rpmsBelow(
  machine: Pick<TargetReads, 'list' | 'lstat'>,
  folder: string,
): Promise<readonly string[]> {
  const found: string[] = [];
  let seen = 0;
  const look = async (below: string, depth: number): Promise<void> => {
    for (const name of await machine.list(join(folder, below))) {
      seen += 1;
      if (seen > MAX_NAMES) return;
      const path = join(below, name);
      if (name.endsWith('.rpm')) found.push(path);
      else if (depth < MAX_DEPTH && (await machine.lstat(join(folder, path)))?.type === 'directory')
        await look(path, depth + 1);
    }
  };
  await look('', 0);
  return found;
}

function parse(text: string): readonly FoundRpm[] {
  return text.split('\n').flatMap((line) => {
    const [location = '', name, version, release, architecture = '', kind] = line.split('\t');
    if (packageName(name) === undefined || packageVersion(version) === undefined) return [];
    if (packageVersion(release) === undefined || !/^\w+$/.test(architecture)) return [];
    const [known, numbers, build] = [name ?? '', version ?? '', release ?? ''];
    return [
      {
        location,
        name: known,
        version: numbers,
        release: build,
        architecture,
        isSource: kind === 'source',
        size: 0,
      },
    ];
  });
}
