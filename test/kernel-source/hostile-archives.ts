import { Header, type HeaderData } from 'tar';
import { unpackDriver } from '../../src/kernel-source/unpack.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { type Hostile, hostileFile } from '../helpers/bounded.ts';

const machine = localTarget({ dryRun: true });
const FUSION = 'linux-6.1/drivers/message/fusion';
const UNIT = 512;

/** Lets the reader at a tarball, packed by a real program or not at all. */
async function archive(make: () => readonly Buffer[], packer?: readonly [string, ...string[]]) {
  const path = await hostileFile(async () => {
    const input = Buffer.concat([...make(), Buffer.alloc(2 * UNIT)]);
    return packer === undefined ? input : (await machine.run(packer, { effect: 'read', input })).stdout;
  });
  return async () => {
    const { files } = await unpackDriver(machine, path, { progress: silentProgress });
    return `${files.size} files`;
  };
}

function entry(path: string, content: Buffer | number = 0, fields: HeaderData = {}): Buffer {
  const size = typeof content === 'number' ? content : content.length;
  const header = new Header({ path, size, mode: 0o644, type: 'File', mtime: new Date(0), ...fields });
  header.encode();
  const body = Buffer.alloc(Math.ceil(size / UNIT) * UNIT);
  if (typeof content !== 'number') content.copy(body);
  return Buffer.concat([header.block ?? Buffer.alloc(UNIT), body]);
}

const many = (count: number, one: (index: number) => Buffer): Buffer[] =>
  Array.from({ length: count }, (_, index) => one(index));

const DRIVER = entry(`${FUSION}/mptscsih.c`, Buffer.from('int x;'));
const BZIP2 = ['bzip2', '-9c'] as const;
const GZIP = ['gzip', '-9c'] as const;
const ZSTD = ['zstd', '-qc'] as const;
const XZ = ['xz', '-0c'] as const;

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'driver files of 8 MB, by bzip2': (size) =>
    archive(() => [DRIVER, ...many(size, (index) => entry(`${FUSION}/${index}.c`, 8 * 1024 * 1024))], BZIP2),
  'driver files of 8 MB, by gzip': (size) =>
    archive(() => [DRIVER, ...many(size, (index) => entry(`${FUSION}/${index}.c`, 8 * 1024 * 1024))], GZIP),
  'driver files of 8 MB, by xz': (size) =>
    archive(() => [DRIVER, ...many(size, (index) => entry(`${FUSION}/${index}.c`, 8 * 1024 * 1024))], XZ),
  'driver files of 8 MB, by zstd': (size) =>
    archive(() => [DRIVER, ...many(size, (index) => entry(`${FUSION}/${index}.c`, 8 * 1024 * 1024))], ZSTD),
  'small driver files': (size) =>
    archive(() => [DRIVER, ...many(size, (index) => entry(`${FUSION}/${index}.c`))], ZSTD),
  'empty entries': (size) =>
    archive(() => [DRIVER, ...many(size, (index) => entry(`linux-6.1/${index}`))], GZIP),
  'a large file': (size) => archive(() => [DRIVER, entry('linux-6.1/large', size)], GZIP),
  'long names': (size) => {
    const name = Buffer.from(`linux-6.1/${'x/'.repeat(400_000)}y\0`);
    const long = entry('././@LongLink', name, { type: 'NextFileHasLongPath' });
    return archive(() => [DRIVER, ...many(size, () => Buffer.concat([long, entry('linux-6.1/y')]))], GZIP);
  },
  'long names in the driver': (size) => {
    const long = (index: number) =>
      entry('././@LongLink', Buffer.from(`${FUSION}/${'x'.repeat(900_000)}${index}\0`), {
        type: 'NextFileHasLongPath',
      });
    return archive(
      () => [DRIVER, ...many(size, (index) => Buffer.concat([long(index), entry('linux-6.1/y')]))],
      GZIP,
    );
  },
  'headers without content, in a file': (size) => {
    // What looks like headers, with names that are refused.
    const inner = Buffer.concat(many(size, (index) => entry(`other/${index}`)));
    return archive(() => [DRIVER, entry('linux-6.1/tar', inner)], GZIP);
  },
};
