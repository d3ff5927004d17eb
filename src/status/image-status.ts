import { isFailure } from '../errors.ts';
import { moduleInInitramfs } from '../initramfs/module.ts';
import { proveInitramfs } from '../initramfs/prove.ts';
import { initramfsImages } from '../initramfs/tools.ts';
import type { Target } from '../machine/port.ts';
import type { ImageStatus } from './document.ts';

/** Opens every initramfs of the kernel. Reads only. */
export async function imageStatus(
  target: Target,
  release: string,
  name: string,
  modulePath: string,
): Promise<readonly ImageStatus[]> {
  const file = await target.read(modulePath);
  const { images } = await initramfsImages(target, release);
  return Promise.all(images.map(({ path }) => describe(target, path, { release, name, file })));
}

async function describe(
  target: Target,
  path: string,
  module: { readonly release: string; readonly name: string; readonly file: Uint8Array },
): Promise<ImageStatus> {
  try {
    const found = await moduleInInitramfs(target, path, module.release, module.name);
    if (found === 'absent') return { path, holds: 'absent', detail: `has no ${module.name}` };
    const { ok, detail } = await proveInitramfs(target, path, module);
    return { path, holds: ok ? 'same' : 'other', detail };
  } catch (error) {
    return { path, holds: 'unreadable', detail: isFailure(error) ? error.failure.what : String(error) };
  }
}
