import { decompressModule, type Tool } from '../elf/compression.ts';
import { type ModuleFormat, moduleFormat } from '../elf/format.ts';
import type { Target, TargetReads } from '../target/port.ts';

/** A module's content with the way in which it is packed on disk. */
export interface ModuleContent {
  readonly bytes: Buffer;
  readonly format: ModuleFormat;
}

/** Reads a module of the guest and unpacks it, with this machine's own tools where Node has none. */
export async function readModule(
  target: Pick<TargetReads, 'read' | 'run'>,
  path: string,
): Promise<ModuleContent> {
  const packed = await target.read(path);
  const format = moduleFormat(packed);
  return { bytes: await decompressModule(packed, format, filterTool(target)), format };
}

/** The port's `run`, as the elf room wants it: bytes in, bytes out. */
export function filterTool(target: Pick<Target, 'run'>): Tool {
  return (argv, input) => target.run(argv, { effect: 'read', input });
}
