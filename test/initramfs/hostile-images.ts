import { gzipSync } from 'node:zlib';
import { modulesInInitramfs } from '../../src/initramfs/module.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { type Hostile, hostileFile } from '../helpers/bounded.ts';

const RELEASE = '6.1.0-9-amd64';
const machine = localTarget({ dryRun: true });

/** Lets the reader at an image, and says how many names it found. */
async function image(make: () => Buffer | Promise<Buffer>): Promise<() => Promise<string>> {
  const path = await hostileFile(make);
  return async () => {
    const found = await modulesInInitramfs(machine, path, RELEASE, 'mptscsih');
    return `${found.image.names.size} names`;
  };
}

/** Many entries at once: `newc` of images.ts makes one. */
export function entries(count: number, one: (index: number) => Fields): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index < count; index += 1) parts.push(entry(one(index)));
  return Buffer.concat(parts);
}

interface Fields {
  readonly name: string;
  readonly inode?: number;
  readonly links?: number;
  readonly mode?: number;
  readonly body?: Buffer;
}

const HEAD = 110;

export function entry({
  name,
  inode = 1,
  links = 1,
  mode = 0o100644,
  body = Buffer.alloc(0),
}: Fields): Buffer {
  const numbers = [inode, mode, 0, 0, links, 0, body.length, 0, 0, 0, 0, name.length + 1, 0];
  const start = Math.ceil((HEAD + name.length + 1) / 4) * 4;
  const bytes = Buffer.alloc(start + Math.ceil(body.length / 4) * 4);
  bytes.write(
    `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}${name}`,
    'latin1',
  );
  body.copy(bytes, start);
  return bytes;
}

export const END = entry({ name: 'TRAILER!!!' });

const MODULE = (index: number) => `lib/modules/${RELEASE}/${index}/mptscsih.ko`;

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'hard links of one file': (size) =>
    image(() => Buffer.concat([entries(size, (index) => ({ name: `f${index}`, links: size })), END])),
  'hard links of one module, the content at the end': (size) =>
    image(() =>
      Buffer.concat([
        entries(size, (index) => ({ name: MODULE(index), links: size })),
        entry({ name: 'last', links: size, body: Buffer.from('x') }),
        END,
      ]),
    ),
  'hard links of one module, the content in each': (size) =>
    image(() =>
      Buffer.concat([
        entries(size, (index) => ({ name: MODULE(index), links: size, body: Buffer.from('x') })),
        END,
      ]),
    ),
  'names of 4,000 bytes': (size) =>
    image(() =>
      gzipSync(Buffer.concat([entries(size, (index) => ({ name: `${index}/${'x'.repeat(3950)}` })), END])),
    ),
  'links with texts of 4,000 bytes': (size) =>
    image(() =>
      gzipSync(
        Buffer.concat([
          entries(size, (index) => ({
            name: `l${index}`,
            mode: 0o120777,
            body: Buffer.alloc(4000, `${index}.`),
          })),
          END,
        ]),
      ),
    ),
  'modules of 16 MiB each': (size) => {
    const body = Buffer.alloc(16 * 1024 * 1024);
    return image(() =>
      gzipSync(Buffer.concat([entries(size, (index) => ({ name: MODULE(index), body })), END])),
    );
  },
  'modules that each unpack to 60 MiB': (size) => {
    const body = gzipSync(Buffer.alloc(60 * 1024 * 1024));
    return image(() =>
      gzipSync(Buffer.concat([entries(size, (index) => ({ name: `${MODULE(index)}.gz`, body })), END])),
    );
  },
  'an index of empty lines': (size) =>
    image(() =>
      gzipSync(
        Buffer.concat([
          entry({ name: `lib/modules/${RELEASE}/modules.dep`, body: Buffer.alloc(size, '\n') }),
          END,
        ]),
      ),
    ),
  'parts, plain and packed in turn': (size) =>
    image(async () => {
      const packed = (await machine.run(['zstd', '-qc'], { effect: 'read', input: END })).stdout;
      const pad = Buffer.alloc((4 - (packed.length % 4)) % 4);
      return Buffer.concat(Array.from({ length: size }, () => [END, packed, pad]).flat());
    }),
  'zeros that are packed a thousandfold': (size) =>
    image(() => gzipSync(Buffer.concat([END, Buffer.alloc(size)]))),
};
