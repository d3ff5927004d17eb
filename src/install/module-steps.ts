import { createHash } from 'node:crypto';
import { failure } from '../errors.ts';
import { indexedModule } from '../guest/module-file.ts';
import type { Target } from '../machine/port.ts';
import { depmodOutputs, runDepmod } from './depmod.ts';
import type { Step } from './step.ts';

/** Writes the new module, with mode, owner and attributes of the one that the package brought. */
export function moduleStep(
  target: Target,
  place: { readonly path: string; readonly makes: readonly string[] },
  shipped: string,
  bytes: Uint8Array,
): Step {
  return {
    name: 'module',
    touches: [{ path: place.path }],
    makes: place.makes,
    becomes: async () => ({ [place.path]: createHash('sha256').update(bytes).digest('hex') }),
    act: async () => {
      for (const folder of place.makes) await target.mkdir(folder, 0o755);
      await target.write(place.path, bytes, { like: shipped });
    },
  };
}

/** Enters the new module into the index; nothing goes on where the kernel's tools would still take another one. */
export function indexStep(target: Target, release: string, name: string, path: string): Step {
  return {
    name: 'index',
    touches: depmodOutputs(release).map((output) => ({ path: output })),
    act: async () => {
      await runDepmod(target, release);
      const indexed = await indexedModule(target, release, name);
      const isOurs =
        indexed !== undefined && (await target.hostPath(indexed)) === (await target.hostPath(path));
      if (isOurs) return;
      throw failure(
        'E_INSTALL',
        `after the installation modules.dep gives ${indexed ?? 'nothing'} for ${name}, not ${path}`,
        'another copy of the module stands in the way (updates/, extra/, weak-updates/): remove it, or make its package do so',
      );
    },
  };
}
