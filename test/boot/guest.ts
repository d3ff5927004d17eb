import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BootEntryRequest, FileEdit } from '../../src/boot/entry.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { type Entries, sh, temporary } from '../machine/temporary.ts';

export interface BootGuest {
  readonly root: string;
  readonly target: Target;
  text(path: string): string;
  /** Does what the plan says, as the caller's journal would. */
  apply(edits: readonly FileEdit[]): void;
}

/** A guest's tree for as long as the test runs. */
export async function bootGuest(entries: Entries): Promise<BootGuest> {
  const root = await temporary(entries);
  return {
    root,
    target: rootTarget(root, { dryRun: true }),
    text: (path) => readFileSync(join(root, path), 'utf8'),
    apply: (edits) => {
      for (const { path, content, mode } of edits) {
        const file = join(root, path);
        if (content === null) rmSync(file);
        else {
          writeFileSync(file, content);
          chmodSync(file, mode);
        }
      }
    },
  };
}

export function wishOf(
  release: string,
  generation = 1,
  image = `/boot/initrd.img-${release}`,
): BootEntryRequest {
  return { release, image, fallback: `${image}.mptfix-${generation}`, generation };
}

/** What GRUB's own parser says of a script: undefined where it takes it. */
export function grubComplaint(text: string): string | undefined {
  try {
    sh('printf %s "$1" | grub-script-check', text);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
