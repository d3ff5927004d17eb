import type { FileSystem } from './file-systems.ts';
import { startWorker } from './worker/start.ts';

/** What came of writing, syncing and removing a small file. `hang`: nothing, within the time limit. */
export interface ProbeResult {
  readonly mountPoint: string;
  /** `ok`, `hang` or the system's error code: `EROFS`. */
  readonly outcome: string;
  readonly detail: string;
}

export const PROBE_SECONDS = 5;

/** Where a file can be made: a mount that is not read-only itself, and that no later one covers. */
export function probePlace({ mounts }: FileSystem, all: readonly FileSystem[]): string | undefined {
  const latest = new Map<string, number>();
  for (const mount of all.flatMap((one) => one.mounts)) {
    latest.set(mount.mountPoint, Math.max(latest.get(mount.mountPoint) ?? 0, mount.id ?? 0));
  }
  return mounts.find(
    ({ mountPoint, mountOptions, id }) =>
      (id === undefined || !mountOptions.includes('ro')) && latest.get(mountPoint) === (id ?? 0),
  )?.mountPoint;
}

/**
 * Writes to each place, in a process of its own: one that waits for a dead disk cannot be ended, not even by
 * SIGKILL, and is left behind when the time is over. Answers its process id then, so that the next run need not
 * send another one after it.
 */
export async function probe(
  places: readonly string[],
  seconds: number,
): Promise<{ readonly results: readonly ProbeResult[]; readonly stuck: number | undefined }> {
  if (places.length === 0) return { results: [], stuck: undefined };
  const worker = startWorker('probe', JSON.stringify(places), seconds, {
    env: { UV_THREADPOOL_SIZE: String(Math.min(128, places.length + 2)) },
  });
  const { output, ended } = await worker.done;
  const reported = new Map<string, ProbeResult>();
  for (const line of output.split('\n')) {
    const result = parse(line);
    if (result !== undefined) reported.set(result.mountPoint, result);
  }
  return {
    results: places.map(
      (mountPoint) =>
        reported.get(mountPoint) ??
        (ended
          ? { mountPoint, outcome: 'ENOPROBE', detail: 'the write probe could not run' }
          : { mountPoint, outcome: 'hang', detail: `a write did not return within ${seconds} s` }),
    ),
    stuck: ended ? undefined : worker.pid,
  };
}

/** A line that was cut off by the end of the time counts as not reported. */
function parse(line: string): ProbeResult | undefined {
  try {
    return line === '' ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}
