import { moduleNames } from '../assess/assess.ts';
import { gatherFacts } from '../assess/facts.ts';
import { scanModule, verdictOfModuleScan } from '../driver/module/scan.ts';
import type { Verdict } from '../driver/verdict.ts';
import { readElf } from '../elf/elf.ts';
import { buildId } from '../elf/module-data.ts';
import { readModule } from '../guest/module-file.ts';
import { type Generation, type GenerationState, generations } from '../install/generations.ts';
import type { Target } from '../machine/port.ts';
import { type Interrupted, interrupted } from '../transaction/settle.ts';
import { type ImageStatus, imageStatus } from './image-status.ts';
import { type LoadedModule, loadedModule } from './loaded-module.ts';

/**
 * `original`: as the distro shipped it. `patched`: ours is on disk. `drifted`: ours was installed, and something
 * else is there now. `interrupted`: a run was stopped in the middle. `absent`: no such module.
 */
export type ModuleState = 'original' | 'patched' | 'drifted' | 'interrupted' | 'absent';

/** What `status --json` prints. */
export interface GuestStatus {
  readonly schema: 'mptfix.status/1';
  readonly state: ModuleState;
  readonly target: string;
  readonly kernel: { readonly release: string; readonly distro: string; readonly running: boolean | null };
  readonly module: {
    readonly name: string;
    readonly path: string;
    readonly sha256: string;
    readonly verdict: Verdict;
    readonly srcversion: string | null;
    readonly buildId: string | null;
  } | null;
  /** The generation in force, or the one that was left open. */
  readonly generation: {
    readonly number: number;
    readonly created: string | null;
    readonly folder: string;
  } | null;
  /** Every initramfs of this kernel; at boot the driver is loaded from there. */
  readonly images: readonly ImageStatus[];
  /** Old images that are kept in /boot as a way back. */
  readonly fallbacks: readonly string[];
  /** The code in the running kernel; null where the guest does not run this kernel, or has not loaded it. */
  readonly loaded: LoadedModule | null;
  /** Whether disk, initramfs and, where that can be told, the running kernel have the same module. */
  readonly agree: boolean;
  /** Whether the file on disk is used only after a reboot; null where that cannot be told. */
  readonly rebootNeeded: boolean | null;
  readonly generations: readonly {
    readonly number: number;
    readonly kernel: string;
    readonly state: GenerationState;
  }[];
  /** Runs that were stopped in the middle: installations, runs of harden, installations of the watch. */
  readonly interrupted: readonly Interrupted[];
}

/** Reads how one kernel of the guest stands. Throws as `gatherFacts`; the state folder needs root to be read. */
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
    interrupted: await interrupted(target),
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
