/**
 * What a user chooses of the source and of how the module is built: described here once. The command's boundary makes
 * paths absolute and fills in what was not given; everything below takes what it needs of it with `Pick`.
 */
export interface BuildOptions extends ArchiveOptions {
  /** `--source`: the kernel's source, a tarball or a folder; else it is fetched. */
  readonly source: string | undefined;
  /** `--headers`: the kernel's build folder; else the guest's own, else it is fetched. */
  readonly headers: string | undefined;
  /** `--offline`: nothing is fetched. */
  readonly offline: boolean;
  /** `--whole-tree`: configure the whole source; headers are welcome for their configuration, and not needed. */
  readonly wholeTree: boolean;
  /** `--full`: make all modules of that tree, instead of the one. */
  readonly full: boolean;
  /** `--config`, `--symvers`: for a whole tree whose guest does not have them. */
  readonly config: string | undefined;
  readonly symvers: string | undefined;
  /** `--toolchain`: `machine`, `guest`, `image:NAME` or a tree's folder; undefined: this machine, where it knows kernels of that time. */
  readonly toolchain: string | undefined;
  /** `--make-var NAME=VALUE`, in their order. */
  readonly makeVars: readonly string[];
  /** `--allow-unproven`: continue although the unchanged source's build is not the guest's module. */
  readonly allowUnproven: boolean;
  /** `--sign-key`, `--sign-cert`. */
  readonly sign: Signer | undefined;
}

/** Where packages are fetched from, and what they are trusted by. */
export interface ArchiveOptions {
  /** `--mirror`, in their order: URLs, and absolute paths of folders. None: the archives that the guest names. */
  readonly mirrors: readonly string[];
  /** `--mirror-key`: files with public keys, beside those of the guest. */
  readonly mirrorKeys: readonly string[];
  /** `--sha256`: packages that are trusted by their SHA-256, in lower case hex. */
  readonly sha256: readonly string[];
  /** `--allow-unsigned`: packages that nothing vouches for are taken too. */
  readonly allowUnsigned: boolean;
}

/** Paths of the owner's private key (PEM) and its X.509 certificate (PEM or DER). */
export interface Signer {
  readonly key: string;
  readonly certificate: string;
}

/** Whether a mirror is on the network; else it is a folder's path. */
export function isRemote(mirror: string): boolean {
  return /^(?:https?|ftp):\/\/./.test(mirror);
}
