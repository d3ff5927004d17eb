import type { ArchiveOptions } from '../build-options.ts';
import type { Target } from '../machine/port.ts';
import type { Workspace } from '../work/workspace.ts';
import type { UnpackOptions } from './archive.ts';
import type { NamedKernel, Provider } from './provider.ts';

/** What is wanted of a kernel's packages. */
export interface PackageRequest {
  readonly provider: Provider;
  readonly kernel: NamedKernel;
  /** The kernel package's version, where it is known: all must be of it. */
  readonly version: string | undefined;
  /** The module's machine, as `Architecture.name` has it. */
  readonly architecture: string;
  readonly wants: {
    readonly headers: boolean;
    readonly source: boolean;
    /** All of the source, not only the driver. */
    readonly wholeTree: boolean;
  };
  /** Whose archives and keys count: the guest. */
  readonly guest: Target;
  readonly archives: ArchiveOptions;
  /** Whether what was fetched stays on this machine for the next run. */
  readonly keeps: boolean;
}

/** A package that was fetched, for the manifest. */
export interface FetchedPackage {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

/** What was fetched, checked and unpacked. */
export interface Obtained {
  readonly packages: readonly FetchedPackage[];
  /** The build folder; undefined where none was wanted. */
  readonly headers: string | undefined;
  /** The folder below which the C library of the headers' own programs was unpacked; undefined where it was not wanted. */
  readonly libraries?: string | undefined;
  /** The source, a tarball or a folder; undefined where none was wanted. */
  readonly source: string | undefined;
}

/** How packages of one kind of archives become source and headers, below the workspace. */
export type Obtain = (
  workspace: Workspace,
  request: PackageRequest,
  options: UnpackOptions,
) => Promise<Obtained>;
