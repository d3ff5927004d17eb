import { resolve } from 'node:path';
import { guestWithoutTree, imageOf, isImageName } from '../../build/toolchain/toolchain.ts';
import { type ArchiveOptions, type BuildOptions, isRemote } from '../../build-options.ts';
import { failure } from '../../errors.ts';
import { DEFAULT_WORK_BASE } from '../../work/workspace.ts';

/** What the command line says of source and build, as it was typed; `buildOptions` makes it whole. */
export interface BuildFlags
  extends Pick<BuildOptions, 'offline' | 'wholeTree' | 'full' | 'allowUnproven' | 'allowUnsigned'>,
    Partial<Pick<BuildOptions, 'source' | 'headers' | 'config' | 'symvers' | 'toolchain'>> {
  /** `--root`, which `--toolchain guest` needs. */
  readonly root?: string | undefined;
  readonly makeVar?: readonly string[];
  readonly mirror?: readonly string[];
  readonly mirrorKey?: readonly string[];
  readonly sha256?: readonly string[];
  readonly signKey?: string;
  readonly signCert?: string;
}

/** What it says of where a build works. */
export interface WorkFlags {
  readonly work?: string;
  readonly cache: boolean;
}

/** The choices with absolute paths and defaults. Throws E_USAGE where they cannot be meant. */
export function buildOptions(flags: BuildFlags): BuildOptions {
  const { offline, wholeTree, full, allowUnproven, signKey, signCert } = flags;
  if ((signKey === undefined) !== (signCert === undefined)) {
    throw failure(
      'E_USAGE',
      'a signature needs both the key and its certificate',
      'give --sign-key and --sign-cert',
    );
  }
  const options: BuildOptions = {
    source: absolute(flags.source),
    headers: absolute(flags.headers),
    ...archiveOptions(flags),
    offline,
    wholeTree,
    full,
    config: absolute(flags.config),
    symvers: absolute(flags.symvers),
    toolchain: toolchainOf(flags),
    makeVars: flags.makeVar ?? [],
    allowUnproven,
    sign:
      signKey === undefined || signCert === undefined
        ? undefined
        : { key: resolve(signKey), certificate: resolve(signCert) },
  };
  requireMeaningful(options);
  return options;
}

/** Throws E_USAGE where a mirror or a sum cannot be one. */
function archiveOptions({
  mirror = [],
  mirrorKey = [],
  sha256 = [],
  allowUnsigned,
}: BuildFlags): ArchiveOptions {
  const wrong = sha256.find((sum) => !/^[0-9a-f]{64}$/i.test(sum));
  if (wrong !== undefined) {
    throw failure(
      'E_USAGE',
      `--sha256 needs 64 hexadecimal digits, not ${JSON.stringify(wrong.slice(0, 80))}`,
      'take it from the list of checksums that the distro publishes',
    );
  }
  return {
    mirrors: mirror.map(mirrorPlace),
    mirrorKeys: mirrorKey.map((path) => resolve(path)),
    sha256: sha256.map((sum) => sum.toLowerCase()),
    allowUnsigned,
  };
}

/** A URL as it is, and a folder's absolute path. */
function mirrorPlace(word: string): string {
  if (isRemote(word) && /^[!-~]+$/.test(word)) return word;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(word) || word === '') {
    throw failure(
      'E_USAGE',
      `--mirror needs a URL of http, https or ftp, or a folder, not ${JSON.stringify(word.slice(0, 200))}`,
      'such as --mirror https://archive.debian.org/debian, or --mirror /srv/packages',
    );
  }
  return resolve(word);
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

/** A word, or a folder. Throws E_USAGE for what cannot be had yet. */
function toolchainOf({ toolchain: word, root }: BuildFlags): string | undefined {
  if (word === 'guest' && root === undefined) throw guestWithoutTree();
  if (word === undefined || word === 'machine' || word === 'guest') return word;
  const image = imageOf(word);
  if (image === undefined) return resolve(word);
  if (isImageName(image)) return word;
  throw failure(
    'E_USAGE',
    `--toolchain image: needs an image’s name, not ${JSON.stringify(image.slice(0, 200))}`,
    'such as --toolchain image:localhost/debian-etch, as the container engine lists it',
  );
}

/** What mptfix itself gives to make. */
const OWN_VARIABLES: ReadonlySet<string> = new Set([
  'M',
  'SUBDIRS',
  'KBUILD_EXTMOD',
  'O',
  'MAKEFLAGS',
  'SHELL',
]);

/** Throws E_USAGE where the choices cannot be meant; for `--make-var` with every word that is wrong. */
export function requireMeaningful({
  makeVars,
  wholeTree,
  full,
  offline,
  mirrors,
  toolchain,
}: Pick<BuildOptions, 'makeVars' | 'wholeTree' | 'full' | 'offline' | 'mirrors' | 'toolchain'>): void {
  const remote = mirrors.find(isRemote);
  if (offline && remote !== undefined) {
    throw failure(
      'E_USAGE',
      `--offline fetches nothing, and --mirror ${remote} is on the network`,
      'give --mirror a folder of this machine, or leave out --offline',
    );
  }
  const wrong = makeVars.filter((word) => !isVariable(word));
  if (wrong.length > 0) {
    throw failure(
      'E_USAGE',
      `--make-var needs NAME=VALUE, with a NAME that mptfix does not set itself, not ${wrong.map((word) => JSON.stringify(word)).join(', ')}`,
      'such as --make-var CC=gcc-11',
    );
  }
  if (wholeTree && toolchain?.startsWith('image:') === true) {
    throw failure(
      'E_USAGE',
      '--whole-tree cannot be combined with a container image: make configures the tree before it compiles',
      'unpack the image and give --toolchain the folder, or give --headers instead of --whole-tree',
    );
  }
  if (!full || wholeTree) return;
  throw failure(
    'E_USAGE',
    '--full builds all modules of a whole tree, and --whole-tree is not given',
    'give --whole-tree too, or leave out --full: one module is enough',
  );
}

function isVariable(word: string): boolean {
  const name = /^([A-Za-z_][A-Za-z0-9_]*)=[^\0\n]*$/.exec(word)?.[1];
  return name !== undefined && !OWN_VARIABLES.has(name);
}

/** The folder in which the private work folder is made. */
export function workBase({ work }: { readonly work?: string }): string {
  return absolute(work) ?? DEFAULT_WORK_BASE;
}
