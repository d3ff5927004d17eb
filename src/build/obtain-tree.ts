import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { failure } from '../errors.ts';
import { treeVersion } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import { wholeTree } from '../kernel-source/whole-tree.ts';
import type { TargetReads } from '../machine/port.ts';
import { localTarget } from '../machine/tree.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import { configureTree } from './configure.ts';
import type { Job, Making } from './job.ts';
import type { Fetched } from './obtain.ts';
import { sourcePath } from './obtain.ts';

/** Unpacks the whole source, configures it as the guest's kernel was, and prepares it for modules. */
export async function obtainTree(
  job: Job,
  making: Making,
  fetched: Fetched,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Headers> {
  const { release } = job.kernel;
  const config = await findConfig(job, making);
  const symvers = await findSymvers(job, making, config);
  const { user } = workspace;
  const path = await sourcePath(job, fetched, workspace);
  const tree = await wholeTree(workspace, path, {
    progress,
    signal,
    ...(user === undefined ? {} : { user }),
  });
  await configureTree({
    workspace,
    tree,
    config,
    symvers,
    release,
    makeVars: making.makeVars,
    progress,
    signal,
  });
  const version = treeVersion((await workspace.machine.readText(join(tree, 'Makefile'))) ?? '');
  if (version === undefined) throw new Error(`${path} has a top Makefile without a version`);
  return {
    folder: tree,
    folders: [tree],
    origin: `${path}, configured`,
    version,
    release,
    config: (await workspace.machine.readText(join(tree, '.config'))) ?? config,
  };
}

/** Folders that may hold the guest's own `.config` and Module.symvers, with the reads that see them. */
function buildFolders({ guest, headers }: Job): readonly (readonly [TargetReads, string])[] {
  const machine = localTarget({ dryRun: true });
  if (headers.kind === 'local') return [[machine, headers.path]];
  return headers.kind === 'guest' && guest !== undefined ? [[guest, headers.path]] : [];
}

async function findConfig(job: Job, { config }: Making): Promise<string> {
  const machine = localTarget({ dryRun: true });
  const places: (readonly [TargetReads, string])[] = [];
  if (config !== undefined) places.push([machine, resolve(config)]);
  // The one in the headers first: Debian takes CONFIG_BUILD_SALT and others out of the one in /boot.
  places.push(...buildFolders(job).map(([reads, folder]) => [reads, join(folder, '.config')] as const));
  if (job.guest !== undefined) places.push([job.guest, `/boot/config-${job.kernel.release}`]);
  for (const [reads, path] of places) {
    const text = await reads.readText(path);
    if (text !== undefined && /^CONFIG_\w+=/m.test(text)) return text;
  }
  throw failure(
    'E_CONFIG_MISSING',
    `the configuration of ${job.kernel.release} is not to be found (${places.map(([, path]) => path).join(', ')})`,
    'give --config the guest’s /boot/config-RELEASE, or its /proc/config.gz unpacked',
  );
}

async function findSymvers(job: Job, { symvers }: Making, config: string): Promise<Buffer | undefined> {
  const machine = localTarget({ dryRun: true });
  const { release } = job.kernel;
  const places: (readonly [TargetReads, string])[] = [];
  if (symvers !== undefined) places.push([machine, resolve(symvers)]);
  places.push(
    ...buildFolders(job).map(([reads, folder]) => [reads, join(folder, 'Module.symvers')] as const),
  );
  if (job.guest !== undefined) {
    for (const suffix of ['', '.gz']) places.push([job.guest, `/boot/symvers-${release}${suffix}`]);
  }
  for (const [reads, path] of places) {
    if ((await reads.stat(path))?.type !== 'file') continue;
    const content = await reads.read(path);
    return path.endsWith('.gz') ? gunzipSync(content) : content;
  }
  if (!/^CONFIG_MODVERSIONS=y/m.test(config)) return undefined;
  throw failure(
    'E_HEADERS_MISSING',
    `${release} checks the CRC of every symbol, and its Module.symvers is not to be found`,
    'give --symvers the Module.symvers of the distro’s headers package, or --headers its folder',
  );
}
