import { moduleNames } from '../assess/assess.ts';
import { gatherFacts } from '../assess/facts.ts';
import { scanModule, verdictOfModuleScan } from '../driver/module/scan.ts';
import { readElf } from '../elf/elf.ts';
import { buildId } from '../elf/module-data.ts';
import { readModule } from '../guest/module-file.ts';
import { type Generation, generations } from '../install/generations.ts';
import type { Target } from '../machine/port.ts';
import { interrupted } from '../transaction/settle.ts';
import type { GuestStatus, ModuleState } from './document.ts';
import { imageStatus } from './image-status.ts';
import { loadedModule } from './loaded-module.ts';

/** Reads the state of one kernel of the guest. Throws as `gatherFacts`; the state folder needs root to be read. */
export async function guestStatus(target: Target, kernel: string | undefined): Promise<GuestStatus> {
  const facts = await gatherFacts(target, { kernel, modules: moduleNames });
  const all = await generations(target);
  const mine = all.filter((generation) => generation.kernel === facts.kernel.release);
  const current = mine.findLast(({ state }) => state === 'installed' || state === 'open');
  const module = facts.module === undefined ? undefined : await describeModule(target, facts.module);
  const loaded = await loadedModule(target, facts.kernel.running, module);
  const images =
    module === undefined ? [] : await imageStatus(target, facts.kernel.release, module.name, module.path);
  return {
    schema: 'mptfix.status/1',
    state: moduleState(module?.sha256, current),
    target: target.name,
    kernel: {
      release: facts.kernel.release,
      distro: facts.distro.pretty,
      running: facts.kernel.running,
    },
    module: module ?? null,
    generation:
      current === undefined
        ? null
        : { number: current.number, created: current.manifest?.created ?? null, folder: current.folder },
    images,
    fallbacks: await fallbacks(target, mine),
    loaded,
    agree:
      images.every(({ holds }) => holds === 'same' || holds === 'absent') && loaded?.sameAsDisk !== false,
    rebootNeeded: loaded?.sameAsDisk === undefined || loaded.sameAsDisk === null ? null : !loaded.sameAsDisk,
    generations: all.map(({ number, kernel: release, state }) => ({ number, kernel: release, state })),
    // What cannot be believed of another purpose does not stop this one.
    interrupted: await interrupted(target, () => {}),
  };
}

function moduleState(sha256: string | undefined, current: Generation | undefined): ModuleState {
  if (current?.state === 'open') return 'interrupted';
  if (sha256 === undefined) return 'absent';
  if (current === undefined) return 'original';
  return current.manifest?.module.after.sha256 === sha256 ? 'patched' : 'drifted';
}

type DescribedModule = NonNullable<GuestStatus['module']>;

async function describeModule(
  target: Target,
  file: { readonly name: string; readonly path: string; readonly sha256: string },
): Promise<DescribedModule> {
  const { bytes } = await readModule(target, file.path);
  const scan = scanModule(bytes, file.path);
  return {
    name: file.name,
    path: file.path,
    sha256: file.sha256,
    verdict: verdictOfModuleScan(scan).verdict,
    srcversion: scan.srcversion ?? null,
    buildId: buildId(readElf(bytes)) ?? null,
  };
}

async function fallbacks(target: Target, mine: readonly Generation[]): Promise<readonly string[]> {
  const paths = mine.flatMap(({ manifest }) => (manifest?.images ?? []).map(({ fallback }) => fallback));
  const found = await Promise.all(paths.map((path) => target.stat(path)));
  return paths.filter((_, index) => found[index]?.type === 'file');
}
