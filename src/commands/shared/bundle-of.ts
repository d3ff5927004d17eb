import { architectureOf } from '../../architectures.ts';
import type { Artifact } from '../../build/artifact.ts';
import type { Job } from '../../build/job.ts';
import { bundleName } from '../../bundle/content.ts';
import { readInstaller } from '../../bundle/installer.ts';
import { packBundle } from '../../bundle/pack.ts';
import { type Statement, statementOf, withBundle } from '../../bundle/statement.ts';
import { decompressModule, moduleFormat } from '../../elf/compression.ts';
import { readElf } from '../../elf/elf.ts';
import { filterTool } from '../../guest/module-file.ts';
import { indexDifference } from '../../install/index-traits.ts';
import { MODULES_FOLDER } from '../../machine/folders.ts';
import { localTarget } from '../../machine/tree.ts';
import { toolVersion } from '../../package-root.ts';

/** A bundle, and the statement of what it was built from, for beside it. */
export interface PackedBundle {
  readonly name: string;
  readonly bytes: Buffer;
  readonly statement: Statement;
}

/** The file for a guest without Node; undefined for an architecture that has no name of its own there. */
export async function bundleOf(
  { kernel, module, shipped }: Job,
  { bytes, info }: Artifact,
): Promise<PackedBundle | undefined> {
  const architecture = architectureOf(readElf(shipped.bytes))?.name;
  if (architecture === undefined) return undefined;
  // Of a file alone, which may have any name, it is not known where the guest has it: where the kernel's own build puts it.
  const file = `${module.name}${/\.ko(?:\.\w+)?$/.exec(module.path)?.[0] ?? '.ko'}`;
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
  const packed = { name: bundleName(content), bytes: packBundle(content, await readInstaller()) };
  return { ...packed, statement: withBundle(statementOf(content), packed) };
}
