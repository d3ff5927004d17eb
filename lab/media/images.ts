import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';

type Recipe = readonly (readonly [string, ...string[]])[];

/** How each image is built from a folder of files; IMAGE and FOLDER stand for the paths. */
const READ_ONLY: Readonly<Record<string, Recipe>> = {
  iso9660: [['genisoimage', '-quiet', '-R', '-o', 'IMAGE', 'FOLDER']],
  squashfs: [['mksquashfs', 'FOLDER', 'IMAGE', '-quiet', '-no-progress', '-comp', 'gzip']],
  erofs: [['mkfs.erofs', '--quiet', 'IMAGE', 'FOLDER']],
  romfs: [['genromfs', '-f', 'IMAGE', '-d', 'FOLDER']],
  udf: [
    ['truncate', '-s', '4M', 'IMAGE'],
    ['mkudffs', '--media-type=dvd', 'IMAGE'],
  ],
  fixed: [
    ['truncate', '-s', '4M', 'IMAGE'],
    ['mkfs.ext4', '-q', '-F', 'IMAGE'],
  ],
};

/** The label is the type, by which the guest knows its disks. */
const WRITABLE: Readonly<Record<string, { readonly size: string; readonly mkfs: Recipe[number] }>> = {
  ext3: { size: '32M', mkfs: ['mkfs.ext3', '-q', '-F', '-L', 'ext3', 'IMAGE'] },
  ext4: { size: '32M', mkfs: ['mkfs.ext4', '-q', '-F', '-L', 'ext4', 'IMAGE'] },
  xfs: { size: '320M', mkfs: ['mkfs.xfs', '-q', '-L', 'xfs', 'IMAGE'] },
  btrfs: { size: '128M', mkfs: ['mkfs.btrfs', '-q', '-L', 'btrfs', 'IMAGE'] },
};

export interface Images {
  /** The disc, for the drive. */
  readonly iso9660: string;
  /** The other media by their type, and `fixed`: an ext4. */
  readonly readOnly: Readonly<Record<string, string>>;
  /** Images of whole disks, by their type. */
  readonly disks: Readonly<Record<string, string>>;
}

/** Builds one image of each kind in a folder. */
export async function makeImages(machine: Target, folder: string): Promise<Images> {
  const content = join(folder, 'content');
  await mkdir(content, { recursive: true });
  await writeFile(join(content, 'file'), 'of a medium\n');
  const make = async (name: string, recipe: Recipe): Promise<readonly [string, string]> => {
    const image = join(folder, name);
    const paths: Readonly<Record<string, string>> = { IMAGE: image, FOLDER: content };
    for (const [program, ...words] of recipe) {
      const argv = [program, ...words.map((word) => paths[word] ?? word)] as const;
      await mustRun(machine, argv);
    }
    return [name, image];
  };
  const all = async (recipes: Readonly<Record<string, Recipe>>): Promise<Record<string, string>> =>
    Object.fromEntries(await Promise.all(Object.entries(recipes).map((entry) => make(...entry))));
  const { iso9660 = '', ...readOnly } = await all(READ_ONLY);
  const disks = Object.entries(WRITABLE).map(([name, { size, mkfs }]): [string, Recipe] => [
    name,
    [['truncate', '-s', size, 'IMAGE'], mkfs],
  ]);
  return { iso9660, readOnly, disks: await all(Object.fromEntries(disks)) };
}
