import { dirname } from 'node:path/posix';
import { MODULES_FOLDER } from '../machine/folders.ts';
import { kernelRelease, moduleName } from '../names.ts';
import type { Purpose } from './purpose.ts';
import type { Step, StepKind, StepOf, TouchedFile } from './steps.ts';

/*
 * The state of a guest may come from anybody: an undo restores what a record names. So a record may name only places
 * where mptfix itself writes for that purpose and that kernel; these tables are all of them. The state of a tree is that
 * tree's: no step in it acts on the machine that mptfix runs on.
 */

/** What the places of a record depend on. */
export interface Around {
  /** Whether a record may name what acts on the machine: disks, mounts, its kernel. */
  readonly isRunning: boolean;
  readonly purpose: Purpose;
  readonly number: number;
  /** Kernel release, of an installation. */
  readonly kernel: string | null;
  /** The folder in which transactions of this purpose are. */
  readonly home: string;
}

/** One thing that a record says, and whether mptfix would say it. */
type Claim = readonly [said: string, isOurs: boolean];
type Claims<K extends StepKind> = (step: StepOf<K>, around: Around) => readonly Claim[];
type Table = { readonly [K in StepKind]?: Claims<K> };

/** Absolute, of printable characters, without an empty step or one upwards; `/` itself is not meant. */
function isPlainPath(path: string): boolean {
  return path.length <= 4096 && /^(?:\/(?!\.\.?(?:\/|$))[^/\p{Cc}]+)+$/u.test(path);
}

/** A module's file below the folder of this kernel. */
export function isModulePlace(path: string, release: string): boolean {
  const folder = `${MODULES_FOLDER}/${release}/`;
  if (kernelRelease(release) === undefined || !isPlainPath(path) || !path.startsWith(folder)) return false;
  const file = /([^/]+)\.(?:ko|o)(?:\.(?:gz|xz|zst|bz2))?$/.exec(path);
  return moduleName(file?.[1]) !== undefined;
}

/** An image of this kernel, by the names that the tools of `initramfs/tools.ts` give. */
export function isImagePlace(path: string, release: string): boolean {
  return [`initrd.img-${release}`, `initramfs-${release}.img`, `initrd-${release}.img`, `initrd-${release}`]
    .map((name) => `/boot/${name}`)
    .includes(path);
}

function isBuildPlace(output: string, release: string): boolean {
  const image = /^\/boot\/\.([^/]+)\.mptfix-[0-9a-f]{12}\.tmp$/.exec(output)?.[1] ?? '';
  return isImagePlace(`/boot/${image}`, release);
}

/** Sources: GRUB_CONFIGS, DROP_IN, MENUS and PLACES of the boot room. */
const MENUS =
  /^\/(?:boot\/grub2?\/grub\.cfg|boot\/efi\/EFI\/[^/]+\/grub\.c(?:fg|onf)|boot\/grub\/(?:grub\.conf|menu\.lst)|etc\/grub\.d\/42_mptfix)$/;
const LOADER_ENTRY = /^\/(?:boot|efi|boot\/efi)\/loader\/entries\/[^/]+$/;

function isMenuPlace(path: string, release: string, generation: number): boolean {
  const ending = `mptfix_${release.replaceAll('-', '_')}_${generation}.conf`;
  return isPlainPath(path) && (MENUS.test(path) || (LOADER_ENTRY.test(path) && path.endsWith(ending)));
}

const ofKernel = (release: string, { kernel }: Around): Claim => [release, release === kernel];
const ofModule = (name: string): Claim => [name, moduleName(name) !== undefined];

const INSTALL: Table = {
  folder: ({ path }, { kernel }) => [[path, path === `${MODULES_FOLDER}/${kernel}/updates`]],
  module: ({ like, files: [{ path }] }, { kernel }) =>
    [like, path].map((one) => [one, isModulePlace(one, kernel ?? '')]),
  index: ({ release, module, path, files }, around) => [
    ofKernel(release, around),
    ofModule(module),
    [path, isModulePlace(path, release)],
    ...files.map((one): Claim => {
      const name = one.path.slice(`${MODULES_FOLDER}/${release}/`.length);
      const isThere = one.path === `${MODULES_FOLDER}/${release}/${name}`;
      return [one.path, isThere && /^modules\.[a-z0-9_]+(?:\.[a-z0-9]+){0,2}$/.test(name)];
    }),
  ],
  'kept-image': ({ image, files: [{ path }] }, { kernel, number }) => [
    [image, isImagePlace(image, kernel ?? '')],
    [path, path === `${image}.mptfix-${number}`],
  ],
  'image-build': ({ release, module, image, output }, around) => [
    ofKernel(release, around),
    ofModule(module),
    [image, isImagePlace(image, release)],
    [output, isBuildPlace(output, release)],
  ],
  image: ({ release, module, output, files: [image, ...state] }, around) => [
    ofKernel(release, around),
    ofModule(module),
    [output, isBuildPlace(output, release)],
    [image.path, isImagePlace(image.path, release)],
    ...state.map(({ path }): Claim => [path, path === `/var/lib/initramfs-tools/${release}`]),
  ],
  'boot-entry': ({ release, generation, files: [{ path }] }, around) => [
    ofKernel(release, around),
    [String(generation), generation === around.number],
    [path, isMenuPlace(path, release, generation)],
  ],
};

/** Sources: RULE_PATH and BOOT_SCRIPTS of `harden/udev.ts`. */
const HARDEN_FILES: readonly string[] = [
  '/etc/fstab',
  '/etc/udev/rules.d/99-zz-mptfix-timeout.rules',
  '/etc/rc.d/init.d/mptfix-timeout',
  '/etc/init.d/mptfix-timeout',
  '/etc/local.d/mptfix-timeout.start',
];
const HARDEN_LINKS: readonly string[] = ['/etc/rc.d/rc', '/etc/init.d/rc', '/etc/rc'].flatMap((rc) =>
  [2, 3, 4, 5].map((level) => `${rc}${level}.d/S01mptfix-timeout`),
);

/** Sources: PATHS of `watch/schedule/systemd.ts`, CRON_D and CRONTAB of `cron.ts`, MEMORY_FOLDER of `program.ts`. */
const SCHEDULE_UNITS: readonly string[] = [
  'mptfix-watch.service',
  'mptfix-watch.timer',
  'mptfix-watch-memory.service',
  'timers.target.wants/mptfix-watch.timer',
  'multi-user.target.wants/mptfix-watch-memory.service',
].map((name) => `/etc/systemd/system/${name}`);
const SCHEDULE_FILES: readonly string[] = [...SCHEDULE_UNITS, '/etc/cron.d/mptfix-watch', '/etc/crontab'];
const MEMORY_COPY = '/run/mptfix/memory';

function above(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === path ? [] : [...above(folder), folder];
}

/** A link has any text: where it leads, the guest decides, within its tree. */
const isText = (text: string | null): boolean =>
  text === null || (text !== '' && text.length <= 4096 && !/\p{Cc}/u.test(text));

const filesAt = (files: readonly string[], links: readonly string[]): Table => {
  const folders = new Set([...files, ...links].flatMap(above).filter((path) => path !== '/'));
  return {
    file: ({ files: [{ path }] }) => [[path, files.includes(path)]],
    link: ({ path, before, after }) => [
      [path, links.includes(path)],
      [`a link of ${path}`, isText(before) && isText(after)],
    ],
    folder: ({ path }) => [[path, folders.has(path)]],
  };
};

const onMachine = (said: string, { isRunning }: Around, isOurs = true): readonly Claim[] => [
  [said, isRunning && isOurs],
];
/** As mount(8) names it; a word that begins with a dash is an option to it. */
const isDevice = (device: string): boolean => device.length <= 4096 && /^[^-\p{Cc}][^\p{Cc}]*$/u.test(device);

const HARDEN: Table = {
  ...filesAt(HARDEN_FILES, HARDEN_LINKS),
  superblock: ({ device }, around) => onMachine(device, around, isPlainPath(device)),
  // It is undone only where the device is given once more: see `harden/handlers.ts`.
  'device-superblock': ({ device }, { isRunning }) => [[device, !isRunning && isPlainPath(device)]],
  'mount-option': ({ mountPoint, device }, around) =>
    onMachine(mountPoint, around, (mountPoint === '/' || isPlainPath(mountPoint)) && isDevice(device)),
  sysfs: ({ path, before, after }, around) =>
    onMachine(
      path,
      around,
      /^\/sys\/block\/[\w.!-]+\/device\/timeout$/.test(path) &&
        [before, after].every((value) => /^\d{1,10}$/.test(value)),
    ),
};

const SCHEDULE: Table = {
  ...filesAt(SCHEDULE_FILES, SCHEDULE_FILES),
  'memory-copy': ({ path }, around) => onMachine(path, around, path === MEMORY_COPY),
  // In a tree no scheduler runs, and none is asked.
  scheduler: () => [],
};

const TABLES: Readonly<Record<Purpose, Table>> = { install: INSTALL, harden: HARDEN, schedule: SCHEDULE };

/** What a record names. */
export interface Named {
  readonly steps: readonly Step[];
  readonly folders: readonly string[];
  /** Folders that were made for the state, and the one above them. */
  readonly made: readonly string[];
}

/** The first thing in a record that mptfix would not have written; undefined where there is none. */
export function strange(named: Named, changed: readonly string[], around: Around): string | undefined {
  const table = TABLES[around.purpose];
  for (const step of named.steps) {
    // The table pairs each kind with its own claims, which the type of a look-up by a union cannot say.
    const claims = table[step.kind] as ((step: Step, around: Around) => readonly Claim[]) | undefined;
    if (claims === undefined) return `a step “${step.kind}”`;
    const files = 'files' in step ? step.files : [];
    const all = [...claims(step, around), ...files.map((file) => keptClaim(step, file, around))];
    const odd = all.find(([, isOurs]) => !isOurs);
    if (odd !== undefined) return JSON.stringify(odd[0].slice(0, 200));
  }
  const homes = [around.home, ...above(around.home)];
  const odd =
    named.folders.find((path) => !changed.includes(path)) ?? named.made.find((path) => !homes.includes(path));
  return odd === undefined ? undefined : JSON.stringify(odd.slice(0, 200));
}

/** The kept copy of a file is one name in the transaction's own folder; that of an image is the image kept in /boot. */
function keptClaim(step: Step, { path, original, backup }: TouchedFile, { number }: Around): Claim {
  if (original === null || backup === null)
    return [`the copy of ${path}`, original === null && backup === null];
  const isName = /^[^/\p{Cc}]{1,255}$/u.test(backup) && backup !== '.' && backup !== '..';
  const isKeptImage = step.kind === 'image' && backup === `${path}.mptfix-${number}`;
  return [backup, original.path === path && (isName || isKeptImage)];
}
