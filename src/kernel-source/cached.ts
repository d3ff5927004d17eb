import type { Target } from '../machine/port.ts';
import { type Cache, noCache } from '../work/cache.ts';
import type { DriverFiles } from './driver-files.ts';
import { type UnpackOptions, unpackDriver } from './unpack.ts';

/** Raise it when the same archive would give other files. */
const FORMAT = 1;

/**
 * What the same archive gave before: the same file by name, inode, size, and times to the nanosecond. The inode's change
 * time cannot be set back, so that an archive that was written to is another one.
 */
export interface CachedSource {
  readonly known: DriverFiles | undefined;
  /** Unpacks the driver, and keeps it. */
  unpack(): Promise<DriverFiles>;
}

/** Looks an archive up; nothing is unpacked yet. */
export async function lookUpSource(
  machine: Target,
  path: string,
  options: UnpackOptions,
  cache: Cache,
): Promise<CachedSource> {
  const unpack = (): Promise<DriverFiles> => unpackDriver(machine, path, options);
  if (cache === noCache) return { known: undefined, unpack };
  const identity = await machine.run(['stat', '-L', '-c', '%d %i %s %y %z', '--', path], { effect: 'read' });
  if (identity.status !== 0) return { known: undefined, unpack };
  const key = `source ${FORMAT} ${path} ${identity.stdout.toString('utf8')}`;
  const known = await cache.get(key);
  return {
    known: known === undefined ? undefined : fromCache(known),
    unpack: async () => {
      const unpacked = await unpack();
      await cache.put(key, toCache(unpacked));
      return unpacked;
    },
  };
}

function toCache({ files, makefile }: DriverFiles): Buffer {
  const entries = [...files].map(([name, content]) => [name, content.toString('latin1')]);
  return Buffer.from(JSON.stringify({ entries, makefile }));
}

function fromCache(content: Buffer): DriverFiles {
  const { entries, makefile }: { entries: [string, string][]; makefile?: string } = JSON.parse(
    content.toString('utf8'),
  );
  const files = new Map(entries.map(([name, text]) => [name, Buffer.from(text, 'latin1')]));
  return { files, ...(makefile === undefined ? {} : { makefile }) };
}
