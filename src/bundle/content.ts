import { basename } from 'node:path';
import type { ArtifactInfo } from '../artifact-info.ts';
import type { KernelIdentity } from '../guest/document.ts';
import { kernelRelease, moduleName } from '../names.ts';

/** What one bundle installs. */
export interface BundleContent {
  readonly kernel: KernelIdentity;
  readonly architecture: 'x86_64' | 'i386';
  /** The module that is replaced: its name, its path on the guest, the hash of the file there. */
  readonly module: { readonly name: string; readonly path: string; readonly sha256: string };
  /** The new module, packed as the one that it replaces. */
  readonly bytes: Uint8Array;
  readonly artifact: ArtifactInfo;
  /** Whether a depmod would write another index for the new module. */
  readonly reindex: boolean;
  /** Name and version of what made it. */
  readonly tool: string;
}

/** The name of a bundle's file. */
export function bundleName({
  module,
  kernel,
  architecture,
}: Pick<BundleContent, 'module' | 'kernel' | 'architecture'>): string {
  return `mptfix-${module.name}-${kernel.release}-${architecture}.run`;
}

/** Whether a shell can take the names for nothing but names. */
export function isPlain({ kernel, module }: Pick<BundleContent, 'kernel' | 'module'>): boolean {
  return (
    kernelRelease(kernel.release) !== undefined &&
    moduleName(module.name) !== undefined &&
    module.path.startsWith(`/lib/modules/${kernel.release}/`) &&
    /^(?:\/[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*)+$/.test(module.path) &&
    basename(module.path).startsWith(`${module.name}.`)
  );
}
