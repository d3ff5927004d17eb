import type { Cache } from '../target/cache.ts';
import type { Target } from '../target/port.ts';
import type { DriverFiles } from './driver-files.ts';
import { type UnpackOptions, unpackDriver } from './unpack.ts';

/** Raise it when the same archive would give other files. */
const FORMAT = 1;

/**
 * Unpacks the driver, or takes what the same archive gave before: the same file by name, inode, size, and times to the
 * nanosecond. The inode's change time cannot be set back, so that an archive that was written to is another one.
 */
export async function unpackCached(
  machine: Target,
  path: string,
  options: UnpackOptions,
  cache: Cache,
): Promise<DriverFiles> {
  const identity = await machine.run(['stat', '-L', '-c', '%d %i %s %y %z', '--', path], { effect: 'read' });
  if (identity.status !== 0) return unpackDriver(machine, path, options);
  const key = `source ${FORMAT} ${path} ${identity.stdout.toString('utf8')}`;
  const known = await cache.get(key);
  if (known !== undefined) return fromCache(known);
  const unpacked = await unpackDriver(machine, path, options);
  await cache.put(key, toCache(unpacked));
  return unpacked;
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
