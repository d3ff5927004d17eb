import { readFstab } from '../guest/fstab.ts';
import { LIMITS } from '../limits.ts';
import { typedShell } from '../typed.ts';
import { existing } from './config-file.ts';
import type { BootReads } from './entry.ts';
import { GRUB_MENUS } from './grub-legacy.ts';
import { GRUB_CONFIGS } from './grub2/loader.ts';

/**
 * Loaders that note where on the disk each image lies, when they are run. One that was replaced is not seen: until the loader
 * is run again, a boot reads the blocks where the old image was. Sources: lilo(8); zipl(8); the manual of SLES 9, "Creating an
 * initrd".
 */
const MAPPED = [
  { name: 'lilo', config: '/etc/lilo.conf' },
  { name: 'zipl', config: '/etc/zipl.conf' },
] as const;

/** SUSE says here which of its loaders it is. */
const SUSE_CHOICE = '/etc/sysconfig/bootloader';

export interface MappedLoader {
  readonly name: (typeof MAPPED)[number]['name'];
  /** The file that tells of it. */
  readonly config: string;
  /** False where the guest has the menu of another loader, too, and nothing tells which of the two starts it. */
  readonly certain: boolean;
  /** The old image is kept as a hard link: its blocks stay. Not so on a /boot that has no hard links. */
  readonly keepsBlocks: boolean;
}

/** File systems without hard links that a /boot may be on. */
const LINKLESS: readonly string[] = ['vfat', 'msdos'];

/** The loader that must be run after an image was replaced; undefined where the guest has none such. Reads only. */
export async function mappedLoader(target: BootReads): Promise<MappedLoader | undefined> {
  const chosen = await choiceOfSuse(target);
  for (const { name, config } of MAPPED) {
    if (chosen !== undefined && chosen !== name) continue;
    if ((await existing(target, [config])).length === 0) continue;
    const others = chosen === undefined ? await existing(target, [...GRUB_CONFIGS, ...GRUB_MENUS]) : [];
    return { name, config, certain: others.length === 0, keepsBlocks: await hasHardLinks(target) };
  }
  return undefined;
}

async function hasHardLinks(target: BootReads): Promise<boolean> {
  const fstab = await readFstab({ readText: (path) => textOf(target, path) });
  return !fstab.some(({ mountPoint, fsType }) => mountPoint === '/boot' && LINKLESS.includes(fsType));
}

async function textOf(target: BootReads, path: string): Promise<string | undefined> {
  return (await target.read(path, LIMITS.textBytes).catch(() => undefined))?.toString('utf8');
}

async function choiceOfSuse(target: BootReads): Promise<string | undefined> {
  const [path] = await existing(target, [SUSE_CHOICE]);
  if (path === undefined) return undefined;
  return /^LOADER_TYPE=["']?(\w+)/m.exec((await textOf(target, path)) ?? '')?.[1];
}

/** What a person must do, in one line. `kept`: the image of before is still there, and so are its blocks. */
export function runAgain({ name, config, certain, keepsBlocks }: MappedLoader, kept: boolean): string {
  const who = certain ? `the guest boots by ${name}` : `if the guest boots by ${name} (it has ${config})`;
  const until =
    kept && keepsBlocks
      ? 'until then it boots with the old initramfs, which must stay in /boot'
      : 'until then it may not boot';
  return `${who}, which notes where each image lies on the disk: run ${typedShell([name])} in the guest before the next boot; ${until}`;
}
