import { join } from 'node:path';
import { isRemote } from '../../build-options.ts';
import { failure } from '../../errors.ts';
import { makeFolders } from '../../machine/folders.ts';
import type { Argv, RunResult } from '../../machine/program.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import { packageName, packageVersion } from '../../names.ts';
import type { Workspace } from '../../work/workspace.ts';
import { watchSize } from '../watch-size.ts';
import type { RpmArchive, RpmOpening } from './archive.ts';
import { keptDownloads } from './downloads.ts';
import { type FoundRpm, fileName } from './package.ts';

const ID = 'mptfix';
/** A path has no tab, and neither has a URL. */
const QUERY = ['name', 'version', 'release', 'arch', 'downloadsize', 'location'].map((tag) => `%{${tag}}`);

let opened = 0;

/**
 * An archive with repodata, of the network or a folder. dnf reads its index into folders of the fetcher's own: neither this
 * machine's packages nor its dnf are touched. curl fetches, and continues what an interruption cut short. That an index is
 * not signed does no harm: each package's own signature is checked.
 */
export async function openRepository(
  workspace: Workspace,
  mirror: string,
  { keeps, signal }: Omit<RpmOpening, 'archives'>,
): Promise<RpmArchive> {
  const { machine, fetcher } = workspace;
  await requireTools(machine, [TOOLS.dnf, TOOLS.curl, TOOLS.rpm]);
  opened += 1;
  const home = workspace.fetched(`dnf-${opened}`);
  for (const part of ['root', 'cache', 'log', 'tmp', 'files']) await makeFolders(machine, join(home, part));
  await machine.write(join(home, 'dnf.conf'), configuration(home));
  await workspace.handOver(home);
  const isLocal = !isRemote(mirror);
  const url = isLocal ? `file://${encodeURI(mirror)}` : mirror;
  const run = (argv: Argv): Promise<RunResult> =>
    machine.run(argv, {
      effect: 'write',
      cwd: home,
      env: { HOME: home, TMPDIR: home },
      user: fetcher,
      signal,
      sandbox: {
        readOnly: isLocal ? [{ from: mirror, to: mirror }] : [],
        // dnf makes a folder in /var/tmp for whoever is not root.
        writable: [
          { from: home, to: home },
          { from: join(home, 'tmp'), to: '/var/tmp' },
        ],
        network: !isLocal,
      },
    });
  return {
    name: mirror,
    find: async (names) => {
      const result = await run([
        'dnf',
        ...['--quiet', '--config', join(home, 'dnf.conf'), `--installroot=${join(home, 'root')}`],
        ...['--noplugins', '--releasever=0', `--repofrompath=${ID},${url}`, `--repoid=${ID}`],
        ...['repoquery', '--showduplicates', '--queryformat', `${QUERY.join('\t')}\n`, ...names],
      ]);
      signal?.throwIfAborted();
      if (result.status !== 0) throw fetchFailure(mirror, lastLine(result.stderr));
      const found = parse(result.stdout.toString('utf8')).filter(({ name }) => names.includes(name));
      return found.map((one) => ({
        ...one,
        location: `${url.replace(/\/+$/, '')}/${encodeURI(one.location)}`,
      }));
    },
    fetch: async (found, to, progress) => {
      const name = fileName(found);
      const file = join(home, 'files', name);
      const kept = await keptDownloads(machine, keeps);
      await kept.take(name, file);
      await workspace.handOver(home);
      progress.note(`fetching ${name}`);
      const stop = watchSize(machine, join(home, 'files'), (done) => progress.bytes(done, found.size));
      try {
        if ((await machine.lstat(file))?.size !== found.size) await download(run, file, found.location);
      } catch (error) {
        await kept.keep(name, file);
        throw error;
      } finally {
        await stop();
      }
      signal?.throwIfAborted();
      const status = await machine.lstat(file);
      if (status?.type !== 'file' || status.size !== found.size) {
        await kept.forget(name);
        throw fetchFailure(
          mirror,
          `${name} has ${status?.size ?? 0} bytes, and not the ${found.size} of the index`,
        );
      }
      await kept.keep(name, file);
      await machine.rename(file, to);
    },
  };
}

/** What is there already is the beginning: curl asks for the rest, and asks again where the connection ends early. */
async function download(run: (argv: Argv) => Promise<RunResult>, file: string, url: string): Promise<void> {
  const argv: Argv = [
    'curl',
    ...['--disable', '--fail', '--silent', '--show-error', '--location', '--proto', '=http,https,ftp,file'],
    ...['--retry', '3', '--continue-at', '-', '--output', file, '--', url],
  ];
  let result = await run(argv);
  // 18: the transfer ended early; curl itself does not try that again.
  for (let tries = 0; result.status === 18 && tries < 3; tries += 1) result = await run(argv);
  if (result.status !== 0) throw fetchFailure(url, lastLine(result.stderr));
}

function fetchFailure(from: string, why: string): Error {
  return failure(
    'E_FETCH',
    `cannot fetch from ${from}: ${why}`,
    'check that the mirror can be reached and has repodata/, or give --mirror a folder with the packages',
  );
}

/** Its own word for what is wrong; else the last that it said. */
function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return (lines.findLast((line) => /^(?:Error|curl):/.test(line)) ?? lines.at(-1) ?? '').slice(0, 300);
}

function configuration(home: string): string {
  return [
    '[main]',
    `cachedir=${join(home, 'cache')}`,
    `logdir=${join(home, 'log')}`,
    `persistdir=${join(home, 'root/persist')}`,
    `reposdir=${join(home, 'root/none')}`,
    `varsdir=${join(home, 'root/none')}`,
    'gpgcheck=0',
    'retries=3',
    'skip_if_unavailable=0',
    '',
  ].join('\n');
}

function parse(text: string): readonly FoundRpm[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', version = '', release = '', architecture = '', size, location = ''] = line.split('\t');
    if (packageName(name) === undefined || packageVersion(version) === undefined) return [];
    if (packageVersion(release) === undefined || !/^\w+$/.test(architecture) || location === '') return [];
    const isSource = architecture === 'src' || architecture === 'nosrc';
    return [{ name, version, release, architecture, isSource, location, size: Number(size) }];
  });
}
