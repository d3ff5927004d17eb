import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildInitramfs } from '../../src/initramfs/build.ts';
import { initramfsImages } from '../../src/initramfs/tools.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { type DebianTrees, snapshot } from '../helpers/debian-tree.ts';
import type { GuestFixture } from '../helpers/guest-tree.ts';
import { modulePath } from '../helpers/slim-guest.ts';

/** A bootstrapped guest whose module, on the disk and in the initramfs, has the branch; and its image's path. */
export interface AffectedGuest {
  readonly root: string;
  readonly image: string;
  readonly modulePath: string;
  dispose(): void;
}

/** Plants the demo's affected module, runs the guest's own depmod, and makes its image anew with its own tool. */
export async function affectedGuest(
  tree: DebianTrees['initramfsTools'] | DebianTrees['dracut'],
  fixture: GuestFixture,
): Promise<AffectedGuest> {
  const { root, dispose } = snapshot(tree);
  const path = modulePath(fixture.release);
  rmSync(join(root, path));
  copyFileSync(join(fixture.guest, path), join(root, path));
  execFileSync('depmod', ['-b', root, fixture.release]);
  const target = rootTarget(root, { dryRun: false });
  const { images } = await initramfsImages(target, fixture.release);
  const [image] = images;
  if (image?.tool === undefined) throw new Error('the tree has no image');
  await target.mkdir('/var/tmp/image', 0o700);
  const output = `${image.path}.new`;
  await buildInitramfs(target, {
    release: fixture.release,
    tool: image.tool,
    output,
    temporaryFolder: '/var/tmp/image',
  });
  await target.rename(output, image.path);
  await target.removeTree('/var/tmp/image');
  return { root, image: image.path, modulePath: `/${path}`, dispose };
}
