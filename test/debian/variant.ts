import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initramfsImages } from '../../src/initramfs/tools.ts';
import { install } from '../../src/install/install.ts';
import { planRollback, rollback } from '../../src/install/rollback.ts';
import { LIMITS } from '../../src/limits.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { ARTIFACT } from '../faults/artifact.ts';
import { modulePath } from '../helpers/slim-guest.ts';

/**
 * The distro's own module with one section and one alias more: loadable as before, other bytes, and depmod has to enter the
 * alias into the index.
 */
export function variantOf(root: string, release: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-variant-'));
  try {
    const file = join(folder, 'variant.ko');
    const module = join(root, modulePath(release));
    const [note, modinfo] = ['note', 'modinfo'].map((name) => join(folder, name));
    writeFileSync(`${note}`, 'variant');
    execFileSync('objcopy', [
      '-O',
      'binary',
      '--only-section=.modinfo',
      '--set-section-flags',
      '.modinfo=alloc',
      module,
      `${modinfo}`,
    ]);
    appendFileSync(`${modinfo}`, 'alias=mptfix-variant\0');
    execFileSync('objcopy', [
      ...['--add-section', `.variant=${note}`],
      ...['--update-section', `.modinfo=${modinfo}`],
      module,
      file,
    ]);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Installs a variant as the flow would, image and all; answers what undoes it. */
export async function installVariant(
  root: string,
  release: string,
): Promise<{ readonly rollbackAll: () => Promise<void> }> {
  const target = rootTarget(root, { dryRun: false });
  const path = `/${modulePath(release)}`;
  const { images } = await initramfsImages(target, release);
  await install(target, {
    kernel: { release, base: '6.1', distro: 'Debian', packageVersion: null },
    module: { name: 'mptscsih', path, sha256: await target.hash(path, LIMITS.moduleBytes) },
    bytes: variantOf(root, release),
    placement: 'in-place',
    images: images.flatMap(({ path: image, tool }) => (tool === undefined ? [] : [{ path: image, tool }])),
    bootEntry: false,
    artifact: ARTIFACT,
    buildLog: 'none\n',
    tool: 'mptfix test',
    warnings: [],
    progress: silentProgress,
  });
  return {
    rollbackAll: async () => {
      const plan = await planRollback(target, { kernel: release, to: 0, force: false });
      for (const generation of plan.undo) await rollback(target, generation);
    },
  };
}
