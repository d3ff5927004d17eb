import { isFailure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Target } from '../../machine/port.ts';
import { truncated, type UnpackOptions } from '../archive.ts';
import { DRIVER_FOLDER, type DriverFiles } from '../driver-files.ts';
import { orderCheck, placeOf } from '../entry-order.ts';
import { tarCollector } from '../tar-collector.ts';
import { decodeBlock, readLayout, type XzBlock, type XzFile, type XzLayout } from './blocks.ts';
import { plainEntries } from './plain-entries.ts';
import { type BlockSearch, blockSearch } from './search.ts';

/** A block's packed bytes pass through memory, two blocks at a time. xz -9 -T0 makes some 25 MB of a kernel's source. */
const MAX_STORED_BYTES = 32 * 1024 * 1024;
/** What a block may hold, unpacked: 192 MiB with xz -9 -T0. It passes by in pieces; this bounds the time. */
const MAX_CONTENT_BYTES = 256 * 1024 * 1024;
/** So many blocks are read for one goal: the driver has 1 MB. More, each a program of its own, would not be fast. */
const MAX_BLOCKS = 16;
/** How far into a sorted kernel tree they lie: of the 1,380 MB of Debian's Linux 6.1, 50 MB and 795 MB are before them. */
const MAKEFILE_AT = 0.036;
const DRIVER_AT = 0.575;
/** Folder names for which an entry's path alone does not say whether it is the driver's (driverPath). */
const AMBIGUOUS_TOPS: readonly string[] = ['fusion/', 'drivers/'];

/**
 * Reads the driver's folder and the top Makefile from a sorted .tar.xz of several blocks, as unpackDriver does, but
 * decodes only the blocks that hold them: the index at the end of the file says where each block is, and the first
 * entries of some blocks show which to take.
 *
 * Undefined where this does not work (one block, several streams, a damaged index, names that are not sorted or not in
 * one folder, no such files where they should be): then the archive must be read from its start. Throws
 * E_ARCHIVE_TRUNCATED where a block that it needs is damaged, E_ARCHIVE_UNSAFE for an entry in them that leads out.
 */
export async function unpackDriverFromBlocks(
  machine: Target,
  path: string,
  options: UnpackOptions,
): Promise<DriverFiles | undefined> {
  const layout = await readLayout(machine, path);
  if (layout === undefined || !isWorthIt(layout)) return undefined;
  const file: XzFile = { machine, path, layout, options };
  const search = blockSearch(file);
  const top = await search.top();
  if (top === undefined || AMBIGUOUS_TOPS.includes(top)) return undefined;

  // Both at the same time. Where one finds nothing, the other is useless: it is stopped and awaited.
  const reading: Reading = { file, search, unpacked: 0, abandoned: false };
  const [makefile, driver] = await Promise.allSettled([
    readGoal(reading, `${top}Makefile`, MAKEFILE_AT).then((found) => onlyOfOneTree(reading, top, found)),
    readGoal(reading, `${top}${DRIVER_FOLDER}/`, DRIVER_AT),
  ]);
  options.signal?.throwIfAborted();
  if (reading.abandoned || !(await search.sorted())) return undefined;
  if (makefile.status === 'rejected') throw makefile.reason;
  if (driver.status === 'rejected') throw driver.reason;
  if (makefile.value?.makefile === undefined || driver.value === undefined) return undefined;
  return driver.value.files.size === 0 ? undefined : { ...driver.value, makefile: makefile.value.makefile };
}

/** What was found, where the archive ends in the same folder; else `abandoned` is set. */
async function onlyOfOneTree<Found>(reading: Reading, top: string, found: Found): Promise<Found | undefined> {
  if (reading.abandoned || (await endsIn(reading.file, reading.search, top))) return found;
  reading.abandoned = true;
  return undefined;
}

/**
 * Whether every entry from one near the end on is in the folder. As the names are sorted, all that lie between the
 * archive's first entry and that one are, too: it holds one tree.
 */
async function endsIn(file: XzFile, search: BlockSearch, top: string): Promise<boolean> {
  const last = await search.last();
  if (last === undefined) return false;
  let outside = false;
  const collector = tarCollector(file.path, {
    onEntry: (name) => {
      outside ||= !name.startsWith(top);
    },
  });
  let skip = last.entry.offset;
  for (const block of file.layout.blocks.slice(last.block)) {
    const { ended } = await decodeBlock(file, block, (chunk) => {
      const wanted = chunk.subarray(skip);
      skip = Math.max(0, skip - chunk.length);
      return collector.write(wanted) && !outside;
    });
    if (!ended || outside) return false;
  }
  try {
    collector.end();
    return true;
  } catch {
    // Whoever reads it from its start says what is wrong.
    return false;
  }
}

function isWorthIt({ blocks }: XzLayout): boolean {
  const isPlausible = ({ storedSize, contentSize }: XzBlock): boolean =>
    storedSize <= MAX_STORED_BYTES &&
    contentSize <= MAX_CONTENT_BYTES &&
    contentSize <= Math.max(LIMITS.ratioFromBytes, LIMITS.ratio * storedSize);
  return blocks.length > 1 && blocks.every(isPlausible);
}

interface Reading {
  readonly file: XzFile;
  readonly search: BlockSearch;
  /** Bytes so far, for the progress. */
  unpacked: number;
  /** One goal's reader found that the archive is not as this method needs it. */
  abandoned: boolean;
}

/** Finds a goal and reads past its end. Where it is missing, undefined, and `abandoned` is set. */
async function readGoal(reading: Reading, goal: string, guess: number): Promise<DriverFiles | undefined> {
  const found = await readStretch(reading, goal, guess);
  if (found === undefined) reading.abandoned = true;
  return found;
}

async function readStretch(reading: Reading, goal: string, guess: number): Promise<DriverFiles | undefined> {
  const { file } = reading;
  const stretch = await reading.search.find(goal, guess);
  if (stretch === undefined) return undefined;
  const order = orderCheck();
  let inside = false;
  let past = false;
  const onEntry = (name: string): void => {
    order.add(name);
    const place = placeOf(name, goal);
    inside ||= place === 'inside';
    past ||= place === 'after';
  };
  const collector = tarCollector(file.path, { onEntry });
  const skipInFront = plainEntries(file.path, (name) => {
    if (placeOf(name, goal) !== 'before') return false;
    order.add(name);
    return order.sorted();
  });

  let skip = stretch.entry.offset;
  const take = (chunk: Buffer): boolean => {
    reading.unpacked += chunk.length;
    file.options.progress.bytes(reading.unpacked);
    const wanted = chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
    return collector.write(skipInFront(wanted)) && !past && !reading.abandoned && order.sorted();
  };
  const end = Math.min(stretch.last + 1, stretch.block + MAX_BLOCKS);
  for (const block of file.layout.blocks.slice(stretch.block, end)) {
    const outcome = await decodeBlock(file, block, take);
    if (!outcome.ended && order.sorted() && !reading.abandoned) throw truncated(file.path, outcome.why);
    if (past || reading.abandoned || !order.sorted()) break;
  }
  try {
    const found = collector.end(past);
    return inside && past && order.sorted() ? found : undefined;
  } catch (error) {
    // A tar that cannot be read from its middle may be readable from its start.
    if (isFailure(error) && error.failure.code === 'E_ARCHIVE_TRUNCATED') return undefined;
    throw error;
  }
}
