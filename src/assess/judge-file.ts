import { join } from 'node:path';
import { scanModule, verdictOfModuleScan } from '../driver/module/scan.ts';
import { type SourceScan, scanDriverSource, verdictOfScan } from '../driver/source/scan.ts';
import type { FixedHow } from '../driver/tables/kernel-row.ts';
import type { Evidence } from '../driver/verdict.ts';
import { failure } from '../errors.ts';
import { readModule } from '../guest/module-file.ts';
import { isArchive, type UnpackOptions } from '../kernel-source/archive.ts';
import { type DriverFiles, readDriverTree } from '../kernel-source/driver-files.ts';
import { unpackDriver } from '../kernel-source/unpack.ts';
import { LIMITS } from '../limits.ts';
import { localTarget } from '../machine/tree.ts';
import { defined } from '../optional.ts';
import { silentProgress } from '../progress.ts';

/** The verdict on one file that was given, apart from any guest. */
export interface FileJudgement {
  /** What was given. */
  readonly file: string;
  readonly evidence: Evidence;
  readonly version: string | null;
  /** Module name, where a module was judged. */
  readonly module: string | null;
  readonly how: FixedHow | undefined;
  readonly notes: readonly string[];
}

/** A larger file is no driver's source; an archive is recognised by its content before this counts. */
const MAX_SOURCE_BYTES = 32 * 1024 * 1024;

/**
 * Judges a source file, a driver's folder, a tree or a tarball. In a tree, RHEL 4's dummy leads on to mptscsi.c. `user`: who
 * unpacks, where this process is root.
 */
export async function judgeSource(
  path: string,
  { user, signal }: Pick<UnpackOptions, 'user' | 'signal'>,
): Promise<FileJudgement> {
  const machine = localTarget({ dryRun: true });
  const status = await machine.stat(path);
  if (status === undefined) {
    throw failure(
      'E_SOURCE_MISSING',
      `there is no ${path}`,
      'give --source an existing file, folder or tarball',
    );
  }
  if (status.type === 'directory') {
    const found = await readDriverTree(machine, path);
    return judgeFiles(path, found, join(path, found.folder));
  }
  if (status.size <= MAX_SOURCE_BYTES && !(await isArchive(machine, path))) {
    return judgement(
      path,
      scanDriverSource((await machine.read(path, LIMITS.sourceBytes)).toString('latin1'), path),
    );
  }
  const found = await unpackDriver(machine, path, {
    progress: silentProgress,
    ...defined({ user, signal }),
  });
  return judgeFiles(path, found, found.folder);
}

/**
 * The shapes that decide, and how the fixed ones were fixed. A file of any other shape has no routine to judge: RHEL 4
 * keeps it in the second file.
 */
const DECISIVE = new Map<SourceScan['shape'], FixedHow | undefined>([
  ['affected', undefined],
  ['requeue-variant', 'requeue'],
  ['branch-removed', 'removed'],
  ['never-had-it', undefined],
]);

/** `folder`: the driver's, on the disk or in the archive. */
function judgeFiles(origin: string, { files }: DriverFiles, folder: string): FileJudgement {
  const scans: SourceScan[] = [];
  for (const name of ['mptscsih.c', 'mptscsi.c']) {
    const content = files.get(name);
    if (content === undefined) continue;
    const scan = scanDriverSource(content.toString('latin1'), join(folder, name));
    scans.push(scan);
    if (DECISIVE.has(scan.shape)) break;
  }
  // A tree with a dummy and nothing else is as undecided as the dummy alone.
  const decided = scans.find(({ shape }) => DECISIVE.has(shape)) ?? scans[0];
  if (decided === undefined) throw new Error('a driver without its sources was let through');
  return judgement(origin, decided, files);
}

/** The driver's own version stands in a header beside it. */
function versionIn(files: ReadonlyMap<string, Buffer> | undefined): string | undefined {
  const header = files?.get('mptbase.h')?.toString('latin1') ?? '';
  return /^[ \t]*#[ \t]*define[ \t]+MPT_LINUX_VERSION_COMMON[ \t]+"([^"\n]{1,40})"/m.exec(header)?.[1];
}

function judgement(origin: string, scan: SourceScan, files?: ReadonlyMap<string, Buffer>): FileJudgement {
  return {
    file: origin,
    evidence: verdictOfScan(scan),
    version: scan.version ?? versionIn(files) ?? null,
    module: null,
    how: DECISIVE.get(scan.shape),
    notes: scan.text === undefined ? [] : [`the lines that decide:\n${scan.text}`],
  };
}

/** Judges a module file, packed or not. */
export async function judgeModule(path: string): Promise<FileJudgement> {
  const machine = localTarget({ dryRun: true });
  if ((await machine.stat(path))?.type !== 'file') {
    throw failure(
      'E_MODULE_MISSING',
      `there is no file ${path}`,
      'give --module a .ko, .ko.gz, .ko.xz or .ko.zst',
    );
  }
  const { bytes } = await readModule(machine, path);
  const scan = scanModule(bytes, path);
  return {
    file: path,
    evidence: verdictOfModuleScan(scan),
    version: scan.version ?? null,
    module: scan.name ?? null,
    how: scan.requeueHostByte === undefined ? undefined : 'requeue',
    notes: scan.hits.map(
      ({ functionName, offset, text }) => `${functionName}+0x${offset.toString(16)}: ${text}`,
    ),
  };
}
