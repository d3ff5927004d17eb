import { basename, join } from 'node:path';
import type { Artifact } from '../../build/artifact.ts';
import type { Job } from '../../build/job.ts';
import { NAMESPACE, type Sign } from '../../bundle/signature.ts';
import { sha256 } from '../../hash.ts';
import { LIMITS } from '../../limits.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { toolVersion } from '../../package-root.ts';
import { bundleOf, type PackedBundle } from '../shared/bundle-of.ts';
import type { BuildResult } from './document.ts';

/** Writes all that a build gives into its folder; what can still fail comes before the first file. Throws E_SIGN. */
export async function writeOutput(
  output: string,
  job: Job,
  artifact: Artifact,
  sign: Sign | undefined,
): Promise<BuildResult> {
  const machine = localTarget({ dryRun: false });
  const file = join(output, basename(job.module.path));
  const bundle = await bundleOf(job, artifact);
  const signature = bundle === undefined ? undefined : await sign?.(bundle.bytes);
  const files = bundle === undefined ? undefined : bundleFiles(output, bundle);
  const result: BuildResult = {
    schema: 'mptfix.build/1',
    result: artifact.info.patch === null ? 'rebuilt' : 'patched',
    created: new Date().toISOString(),
    tool: `mptfix ${toolVersion()}`,
    kernel: job.kernel,
    module: {
      name: job.module.name,
      file,
      sha256: sha256(artifact.bytes),
      replaces: { path: job.module.path, sha256: job.module.sha256 },
    },
    bundle:
      bundle === undefined || files === undefined
        ? null
        : {
            file: files.bundle,
            sha256: sha256(bundle.bytes),
            statement: files.statement,
            signature: signature === undefined ? null : { file: files.signature, namespace: NAMESPACE },
          },
    statement: bundle?.statement ?? null,
    artifact: artifact.info,
  };
  await machine.write(file, artifact.bytes);
  await machine.write(join(output, 'build.log'), artifact.log);
  if (bundle !== undefined && files !== undefined) await writeBundle(machine, files, bundle, signature);
  // Last: where it is, all of it is.
  await machine.write(join(output, 'manifest.json'), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

interface BundleFiles {
  readonly bundle: string;
  readonly statement: string;
  readonly signature: string;
}

function bundleFiles(output: string, { name }: PackedBundle): BundleFiles {
  const bundle = join(output, name);
  return { bundle, statement: `${bundle}.intoto.json`, signature: `${bundle}.sig` };
}

async function writeBundle(
  machine: Target,
  files: BundleFiles,
  { bytes, statement }: PackedBundle,
  signature: Buffer | undefined,
): Promise<void> {
  // A signature of what was there before must not stand beside the new one; of the same bytes it still holds.
  const before = await machine.hash(files.bundle, LIMITS.bundleBytes).catch(() => undefined);
  if (before !== sha256(bytes) && (await machine.lstat(files.signature)) !== undefined)
    await machine.remove(files.signature);
  await machine.write(files.bundle, bytes);
  await machine.write(files.statement, `${JSON.stringify(statement, null, 2)}\n`);
  if (signature !== undefined) await machine.write(files.signature, signature);
}
