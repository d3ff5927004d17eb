import { basename, join } from 'node:path';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Target } from '../../machine/port.ts';
import type { Argv, RunResult } from '../../machine/program.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import { packageName, packageVersion } from '../../names.ts';
import type { Progress } from '../../progress.ts';
import type { Workspace } from '../../work/workspace.ts';
import { watchSize } from '../watch-size.ts';
import { type AptLayout, layOutApt } from './config.ts';

/** A binary package as the signed index of its archive describes it. */
export interface AptPackage {
  readonly name: string;
  readonly version: string;
  /** Bytes of the .deb. */
  readonly size: number;
  readonly sha256: string;
  /** The text of the Depends field. */
  readonly depends: string;
}

/** A private apt with its lists read. */
export interface Apt {
  /** Every version in the archives, in apt's order: the newest first. */
  show(name: string): Promise<readonly AptPackage[]>;
  /** Fetches packages through apt's signature and hash checks; returns the paths of the .debs. */
  download(packages: readonly AptPackage[], progress: Progress): Promise<readonly string[]>;
}

export interface AptOptions extends AptLayout {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the archives that the origin (a guest's tree or this machine) names. apt runs as the workspace's fetcher, whom
 * the builder cannot ask for anything. A failed update is not an error yet: one dead mirror of many must not stop the others.
 */
export async function openApt(
  workspace: Workspace,
  origin: Target,
  { architecture, mirrors, signal }: AptOptions = {},
): Promise<Apt> {
  const { machine } = workspace;
  await requireTools(machine, [TOOLS.aptGet, TOOLS.dpkgDeb]);
  const config = await layOutApt(workspace, origin, { architecture, mirrors });
  const run = (argv: Argv, cwd = workspace.fetched()): Promise<RunResult> =>
    machine.run(argv, {
      effect: 'write',
      cwd,
      env: { HOME: workspace.fetched(), TMPDIR: workspace.fetched() },
      user: workspace.fetcher,
      signal,
    });
  const update = await run(['apt-get', '-c', config, '-q', 'update']);
  signal?.throwIfAborted();
  const trouble = complaints(update);
  return {
    show: async (name) => {
      if (packageName(name) === undefined) return [];
      const result = await run(['apt-cache', '-c', config, 'show', '--all-versions', name]);
      const packages = parseStanzas(result.stdout.toString('utf8')).filter((found) => found.name === name);
      if (packages.length === 0 && trouble !== undefined) throw trouble;
      return packages;
    },
    download: async (packages, progress) => {
      const folder = workspace.fetched('debs');
      await machine.mkdir(folder, 0o755);
      await workspace.handOver(folder);
      const total = packages.reduce((sum, { size }) => sum + size, 0);
      const names = packages.map(({ name, version }) => `${name}=${version}`);
      progress.note(`fetching ${names.join(' ')}`);
      const stop = watchSize(machine, folder, (done) => progress.bytes(done, total));
      const result = await run(['apt-get', '-c', config, '-q', 'download', ...names], folder);
      await stop();
      signal?.throwIfAborted();
      if (result.status !== 0) throw complaints(result) ?? fetchFailure(result.stderr);
      return checkedFiles(workspace, folder, packages);
    },
  };
}

/** A failed signature is not a failed fetch: a fetch may be tried again, a bad signature must not. */
function complaints(result: RunResult): Error | undefined {
  const lines = result.stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  const signature = lines.find((line) =>
    /NO_PUBKEY|not signed|BADSIG|EXPKEYSIG|signatures? (?:were|was|could)|Hash Sum mismatch|^E: .*not have a Release file/i.test(
      line,
    ),
  );
  if (signature !== undefined) {
    return failure(
      'E_SIGNATURE',
      `the archive’s signature or checksum is wrong: ${signature.slice(3)}`,
      'update the archive’s keyring, check whether the archive has moved (archive.debian.org, old-releases.ubuntu.com), or fetch the packages by hand and give --source and --headers',
    );
  }
  const first = lines.find((line) => line.startsWith('E: ')) ?? lines[0];
  return first === undefined ? undefined : fetchFailure(first.slice(3));
}

function fetchFailure(text: string): Error {
  return failure(
    'E_FETCH',
    `apt could not fetch: ${text.trim().split('\n')[0]}`,
    'check that the archive in the guest’s sources.list can be reached, or give --source and --headers: then nothing is fetched',
  );
}

function parseStanzas(text: string): readonly AptPackage[] {
  return text
    .split(/\n\n+/)
    .filter((stanza) => stanza.startsWith('Package: '))
    .map((stanza) => {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
      return {
        name: field('Package'),
        version: field('Version'),
        size: Number(field('Size')),
        sha256: field('SHA256'),
        depends: field('Depends'),
      };
    })
    .filter(({ version }) => packageVersion(version) !== undefined);
}

/**
 * apt has already checked its hashes; this ties each file to the requested package. A file is hashed where only this
 * process can write, and then given to the user that unpacks it.
 */
async function checkedFiles(
  workspace: Workspace,
  folder: string,
  packages: readonly AptPackage[],
): Promise<string[]> {
  const { machine } = workspace;
  const [checked, given] = [workspace.own('debs'), workspace.at('debs')];
  for (const path of [checked, given]) await machine.mkdir(path, 0o700);
  const byHash = new Map<string, string>();
  for (const name of (await machine.list(folder)).filter((name) => name.endsWith('.deb'))) {
    const path = join(checked, name);
    await machine.rename(join(folder, name), path);
    if ((await machine.lstat(path))?.type === 'file')
      byHash.set(await machine.hash(path, LIMITS.archiveBytes), path);
  }
  const files: string[] = [];
  for (const { name, version, sha256 } of packages) {
    const path = byHash.get(sha256);
    if (path === undefined) throw fetchFailure(`${name} ${version} did not arrive complete`);
    const place = join(given, basename(path));
    await machine.rename(path, place);
    files.push(place);
  }
  await workspace.handOver(given);
  return files;
}
