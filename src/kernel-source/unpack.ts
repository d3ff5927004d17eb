import type { Target, UserIds } from '../machine/port.ts';
import type { Progress } from '../progress.ts';
import { openArchive, streamArchive } from './archive.ts';
import { type DriverFiles, requireDriver } from './driver-files.ts';
import { tarCollector } from './tar-collector.ts';
import { unpackDriverFromBlocks } from './xz/unpack-blocks.ts';

/**
 * Above this size an archive is not read to its end: a kernel's tarball is some 130 MB of xz, and its names are
 * sorted, so that the driver is complete once its folder is past. A smaller one is read whole: that costs nothing,
 * and also finds what is damaged or hostile behind the driver.
 */
const READ_WHOLE_BYTES = 16 * 1024 * 1024;

export interface UnpackOptions {
  readonly user?: UserIds;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

/**
 * Takes only the driver's folder and the top Makefile out of a tarball, into memory: no name in the archive decides
 * where a file is written. One entry that leads out of the archive refuses all of it (E_ARCHIVE_UNSAFE).
 */
export async function unpackDriver(
  machine: Target,
  path: string,
  options: UnpackOptions,
): Promise<DriverFiles> {
  const archive = await openArchive(machine, path);
  const readWhole = archive.size <= READ_WHOLE_BYTES;
  if (archive.compression?.name === 'xz' && !readWhole) {
    const found = await unpackDriverFromBlocks(machine, path, options);
    if (found !== undefined) return requireDriver(found, path);
  }

  const collector = tarCollector(path);
  let unpacked = 0;
  let stopped = false;
  await streamArchive(machine, archive, {
    ...options,
    onChunk: (chunk) => {
      unpacked += chunk.length;
      options.progress.bytes(unpacked);
      const wanted = collector.write(chunk);
      stopped = wanted && !readWhole && collector.complete();
      return wanted && !stopped;
    },
  });
  return requireDriver(collector.end(stopped), path);
}
