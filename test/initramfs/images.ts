import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/hash.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { sh, temporary } from '../machine/temporary.ts';

export const RELEASE = '6.1.0-9-amd64';
export const FOLDER = `usr/lib/modules/${RELEASE}/kernel/drivers/message/fusion`;
export const MODULE = `${FOLDER}/mptscsih.ko`;

export const machine = localTarget({ dryRun: true });

/** What an initramfs unpacks to, as the distros' tools lay it out. */
export interface Content {
  readonly folder: string;
  readonly module: Buffer;
  readonly sha256: string;
}

/** A module with debug information, which tools strip. `variant` makes its code differ. */
export async function compiledModule(variant = 1): Promise<Buffer> {
  const folder = await temporary();
  sh(
    'echo "int mptscsih(void) { return $2; }" > "$1/m.c"; gcc -g -c "$1/m.c" -o "$1/m.ko" -Wl,--build-id',
    folder,
    String(variant),
  );
  return readFileSync(join(folder, 'm.ko'));
}

export async function content(): Promise<Content> {
  const module = await compiledModule();
  const folder = await temporary({
    init: '#!/bin/sh\nexec /bin/mount\n',
    'usr/bin/mount': 'program',
    lib: { link: 'usr/lib' },
    bin: { link: 'usr/bin' },
    [MODULE]: module,
    [`${FOLDER}/mptbase.ko`]: 'another',
    [`usr/lib/modules/${RELEASE}/modules.dep`]: `kernel/drivers/message/fusion/mptscsih.ko:\n`,
  });
  return { folder, module, sha256: sha256(module) };
}

/** An archive of a folder by the real cpio. `newc`, `crc`, `odc` or `bin`. */
export function archive(folder: string, format = 'newc'): Buffer {
  const out = join(folder, '../', `archive-${process.pid}-${Math.random().toString(36).slice(2)}`);
  try {
    sh('cd "$1"; find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H "$2" > "$3"', folder, format, out);
    return readFileSync(out);
  } finally {
    sh('rm -f "$1"', out);
  }
}

/** Pipes bytes through a real program. */
export async function through(bytes: Buffer, argv: readonly [string, ...string[]]): Promise<Buffer> {
  const { status, stdout, stderr } = await machine.run(argv, { effect: 'read', input: bytes });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** As the tools pack their images. */
export const PACKERS = {
  gzip: ['gzip', '-9c'],
  bzip2: ['bzip2', '-c'],
  lzma: ['xz', '-c', '--format=lzma'],
  xz: ['xz', '-c', '--check=crc32'],
  lzo: ['lzop', '-c'],
  lz4: ['lz4', '-lc'],
  zstd: ['zstd', '-qc'],
} as const;

/** One entry of a newc archive made by hand, for what no cpio would make. */
export function newc(
  name: string,
  body: string | Buffer = '',
  fields: Readonly<Record<string, number>> = {},
): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const values = {
    ino: 1,
    mode: 0o100644,
    nlink: 1,
    size: bytes.length,
    nameSize: Buffer.byteLength(name) + 1,
    ...fields,
  };
  const numbers = [
    values.ino,
    values.mode,
    0,
    0,
    values.nlink,
    0,
    values.size,
    0,
    0,
    0,
    0,
    values.nameSize,
    0,
  ];
  const header = `070701${numbers.map((value) => value.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([pad(Buffer.from(`${header}${name}\0`)), pad(bytes)]);
}

export function trailer(): Buffer {
  return newc('TRAILER!!!');
}

function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
