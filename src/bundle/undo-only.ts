import type { ArtifactInfo } from '../artifact-info.ts';
import { toolVersion } from '../package-root.ts';
import type { BundleContent } from './content.ts';
import { readInstaller } from './installer.ts';
import { packBundle } from './pack.ts';

/** Nothing was built for what only undoes. */
const NOTHING_BUILT: ArtifactInfo = {
  source: { origin: 'none', version: null, file: 'none', sha256: '', patchedSha256: '' },
  headers: { origin: 'none', version: 'none', release: null },
  packages: [],
  patch: null,
  edits: [],
  compiler: 'none',
  command: [],
  toolchain: null,
  unchanged: null,
  vermagic: 'none',
  proofs: [],
};

/**
 * A bundle without a module: it puts back what a guest's own records tell of, whoever installed it, the bundle of the time
 * or mptfix. Throws E_OUTPUT as `packBundle`.
 */
export async function undoBundle({
  kernel,
  module,
}: Pick<BundleContent, 'kernel' | 'module'>): Promise<Buffer> {
  const content: BundleContent = {
    kernel,
    // Neither `status` nor `rollback` asks for it.
    architecture: 'x86_64',
    module,
    bytes: Buffer.alloc(0),
    artifact: NOTHING_BUILT,
    reindex: false,
    tool: `mptfix ${toolVersion()}`,
  };
  return packBundle(content, await readInstaller());
}
