import type { ArtifactInfo } from '../../artifact-info.ts';
import type { KernelIdentity, ModuleIdentity } from '../../guest/identity.ts';

/** What `build --json` prints, and `manifest.json` holds. */
export interface BuildResult {
  readonly schema: 'mptfix.build/1';
  /** `rebuilt`: the source has no branch; the module is the distro's own again. */
  readonly result: 'patched' | 'rebuilt';
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly tool: string;
  readonly kernel: KernelIdentity;
  readonly module: {
    readonly name: string;
    readonly file: string;
    readonly sha256: string;
    readonly replaces: Pick<ModuleIdentity, 'path' | 'sha256'>;
  };
  readonly artifact: ArtifactInfo;
}
