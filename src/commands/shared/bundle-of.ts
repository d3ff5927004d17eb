import { basename } from 'node:path';
import { architectureOf } from '../../architectures.ts';
import type { Artifact } from '../../build/artifact.ts';
import type { Job } from '../../build/job.ts';
import { readInstaller } from '../../bundle/installer.ts';
import { bundleName, packBundle } from '../../bundle/pack.ts';
import { decompressModule, moduleFormat } from '../../elf/compression.ts';
import { readElf } from '../../elf/elf.ts';
import { filterTool } from '../../guest/module-file.ts';
import { indexDifference } from '../../install/index-traits.ts';
import { MODULES_FOLDER } from '../../machine/folders.ts';
import { localTarget } from '../../machine/tree.ts';
import { toolVersion } from '../../package-root.ts';

/** The file for a guest without Node; undefined for an architecture that has no name of its own there. */
export async function bundleOf(
  { kernel, module, shipped }: Job,
  { bytes, info }: Artifact,
): Promise<{ readonly name: string; readonly bytes: Buffer } | undefined> {
  const architecture = architectureOf(readElf(shipped.bytes))?.name;
  if (architecture === undefined) return undefined;
  const file = basename(module.path);
  // Of a file alone it is not known where the guest has it: then it is where the kernel's own build puts it.
  const isPlace = module.path.startsWith(`${MODULES_FOLDER}/${kernel.release}/`);
  const path = isPlace
    ? module.path
    : `${MODULES_FOLDER}/${kernel.release}/kernel/drivers/message/fusion/${file}`;
  const machine = localTarget({ dryRun: true });
  const unpacked = await decompressModule(bytes, moduleFormat(bytes), filterTool(machine));
  const content = {
    kernel,
    architecture,
    module: { name: module.name, path, sha256: module.sha256 },
    bytes,
    artifact: info,
    reindex: indexDifference(shipped.bytes, unpacked) !== undefined,
    tool: `mptfix ${toolVersion()}`,
  };
  return { name: bundleName(content), bytes: packBundle(content, await readInstaller()) };
}
