import { gatherFacts } from '../assess/assess.ts';
import { scanModule, verdictOfModuleScan } from '../driver/module/scan.ts';
import { readElf } from '../elf/elf.ts';
import { buildId, buildIdOfNotes } from '../elf/module-data.ts';
import { isFailure } from '../errors.ts';
import { indexTools } from '../guest/index/tools.ts';
import { type ModuleFile, moduleIdentity, readModule } from '../guest/module-file.ts';
import { isAsPackaged } from '../guest/packaged-file.ts';
import { type ExpectedModule, moduleInInitramfs, proveInitramfs } from '../initramfs/module.ts';
import { initramfsImages } from '../initramfs/tools.ts';
import { type Generation, generations } from '../install/generations.ts';
import { readIndexAs } from '../install/indexing.ts';
import { LIMITS } from '../limits.ts';
import { isCode } from '../machine/file-errors.ts';
import { STATE_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { isAtWork } from '../transaction/lock.ts';
import { interrupted } from '../transaction/settle.ts';
import type { GuestStatus, ImageStatus, IndexStatus, LoadedModule, ModuleState } from './document.ts';
import { foreseeStatus } from './foresee.ts';

/** Reads the state of one kernel of the guest. Throws as `gatherFacts`. Of the state, which is root's, others see nothing. */
export async function guestStatus(target: Target, kernel: string | undefined): Promise<GuestStatus> {
  const facts = await gatherFacts(target, kernel);
  foreseeStatus(target, facts);
  const known = await stateOf(target);
  const all = known?.generations ?? [];
  const atWork = await isAtWork(target);
  const mine = all.filter((generation) => generation.kernel === facts.kernel.release);
  const current = mine.findLast(({ state }) => state === 'installed' || state === 'open');
  const module =
    facts.module === undefined ? undefined : await describeModule(target, facts.kernel.release, facts.module);
  const loaded = await loadedModule(target, facts.kernel.running, module);
  const images =
    module === undefined ? [] : await imageStatus(target, facts.kernel.release, module.name, module.path);
  return {
    schema: 'mptfix.status/1',
    state: atWork ? 'at-work' : moduleState(module?.sha256, known === undefined ? 'unseen' : current),
    target: target.name,
    kernel: {
      release: facts.kernel.release,
      distro: facts.distro.pretty,
      running: facts.kernel.running,
    },
    module: module ?? null,
    noModule:
      facts.outside === undefined ? null : { place: facts.outside.place, detail: facts.outside.detail },
    generation:
      current === undefined
        ? null
        : { number: current.number, created: current.manifest?.created ?? null, folder: current.folder },
    index: module === undefined ? null : await indexStatus(target, facts.kernel.release, module),
    images,
    fallbacks: await fallbacks(target, mine),
    loaded,
    agree:
      images.every(({ holds }) => holds === 'same' || holds === 'absent') && loaded?.sameAsDisk !== false,
    rebootNeeded: loaded?.sameAsDisk === undefined || loaded.sameAsDisk === null ? null : !loaded.sameAsDisk,
    generations: all.map(({ number, kernel: release, state }) => ({ number, kernel: release, state })),
    unseen: known === undefined ? [`${STATE_FOLDER}: only root may see what mptfix has installed`] : [],
    interrupted: atWork ? [] : (known?.interrupted ?? []),
  };
}

interface KnownState {
  readonly generations: readonly Generation[];
  readonly interrupted: GuestStatus['interrupted'];
}

/** What mptfix has written down on the guest; undefined where this user may not read it. */
async function stateOf(target: Target): Promise<KnownState | undefined> {
  try {
    // What cannot be believed of another purpose does not stop this one.
    return {
      generations: await generations(target),
      interrupted: [...(await interrupted(target, () => {}))],
    };
  } catch (error) {
    if (isCode(error, 'EACCES')) return undefined;
    throw error;
  }
}

function moduleState(sha256: string | undefined, current: Generation | undefined | 'unseen'): ModuleState {
  if (current === 'unseen') return 'unknown';
  if (current?.state === 'open') return 'interrupted';
  if (sha256 === undefined) return 'absent';
  if (current === undefined) return 'original';
  return current.manifest?.module.after.sha256 === sha256 ? 'patched' : 'drifted';
}

type DescribedModule = NonNullable<GuestStatus['module']>;

async function describeModule(target: Target, release: string, file: ModuleFile): Promise<DescribedModule> {
  const { bytes } = await readModule(target, file.path);
  const scan = scanModule(bytes, file.path);
  return {
    ...moduleIdentity(file),
    verdict: verdictOfModuleScan(scan).verdict,
    asPackaged: await isAsPackaged(target, release, file.path),
    srcversion: scan.srcversion ?? null,
    buildId: buildId(readElf(bytes)) ?? null,
  };
}

async function indexStatus(
  target: Target,
  release: string,
  { name, path }: DescribedModule,
): Promise<IndexStatus> {
  try {
    const tools = await indexTools(target, release);
    if ('problem' in tools) return { tools: null, finds: 'unknown', detail: tools.problem };
    const answer = await readIndexAs(tools, target, release, name);
    if ('problem' in answer) return { tools: tools.name, finds: 'nothing', detail: answer.problem };
    const isSame = (await target.realPath(answer.file)) === (await target.realPath(path));
    return { tools: tools.name, finds: isSame ? 'module' : 'other', detail: answer.file };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { tools: null, finds: 'unknown', detail: error.failure.what };
  }
}

async function fallbacks(target: Target, mine: readonly Generation[]): Promise<readonly string[]> {
  const paths = mine.flatMap(({ manifest }) => (manifest?.images ?? []).map(({ fallback }) => fallback));
  const found = await Promise.all(paths.map((path) => target.stat(path)));
  return paths.filter((_, index) => found[index]?.type === 'file');
}

/** Opens every initramfs of the kernel. Reads only. */
async function imageStatus(
  target: Target,
  release: string,
  name: string,
  modulePath: string,
): Promise<readonly ImageStatus[]> {
  const file = await target.read(modulePath, LIMITS.moduleBytes);
  const { images } = await initramfsImages(target, release);
  return Promise.all(images.map(({ path }) => describe(target, path, { release, name, file })));
}

async function describe(target: Target, path: string, module: ExpectedModule): Promise<ImageStatus> {
  try {
    const found = await moduleInInitramfs(target, path, module.release, module.name);
    if (found === 'absent') return { path, holds: 'absent', detail: `has no ${module.name}` };
    const { ok, detail } = await proveInitramfs(target, path, module);
    return { path, holds: ok ? 'same' : 'other', detail };
  } catch (error) {
    return { path, holds: 'unreadable', detail: isFailure(error) ? error.failure.what : String(error) };
  }
}

/**
 * The kernel shows the build-id of a loaded module in its notes, and the srcversion where the module was built with
 * one; null where the guest does not run this kernel, or has not loaded the module.
 */
async function loadedModule(
  target: Target,
  running: boolean | null,
  module: DescribedModule | undefined,
): Promise<LoadedModule | null> {
  if (running !== true || module === undefined) return null;
  const folder = `/sys/module/${module.name}`;
  if ((await target.stat(folder)) === undefined) {
    // 2.4 has no /sys: its list of modules tells no more than that.
    const listed =
      (await target.list('/sys/module').catch(() => [])).length > 0
        ? undefined
        : await target.readText('/proc/modules', LIMITS.kernelBytes);
    const isLoaded = `\n${listed ?? ''}`.includes(`\n${module.name} `);
    return isLoaded ? { srcversion: null, buildId: null, sameAsDisk: null } : null;
  }
  const srcversion = (await target.readText(`${folder}/srcversion`, LIMITS.kernelBytes))?.trim() ?? null;
  const buildId = await loadedBuildId(target, folder);
  return { srcversion, buildId, sameAsDisk: compare({ srcversion, buildId }, module) };
}

type Codes = Pick<LoadedModule, 'srcversion' | 'buildId'>;

/** A build-id is of the very code; a srcversion only of its source, which a patch changes, too. */
function compare(loaded: Codes, disk: Codes): boolean | null {
  if (loaded.buildId !== null && disk.buildId !== null) return loaded.buildId === disk.buildId;
  if (loaded.srcversion !== null && disk.srcversion !== null) return loaded.srcversion === disk.srcversion;
  return null;
}

async function loadedBuildId(target: Target, folder: string): Promise<string | null> {
  try {
    const notes = await target.read(`${folder}/notes/.note.gnu.build-id`, LIMITS.kernelBytes);
    // The machine that this runs on: all that Node runs on is little-endian but s390x, which has no such adapter.
    return buildIdOfNotes(notes, { littleEndian: true, class: 64 }) ?? null;
  } catch {
    // Kernels before 2.6.23 do not show notes.
    return null;
  }
}
