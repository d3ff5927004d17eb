import type { GuestStatus, ModuleState } from '../../status/document.ts';
import { columns, style } from '../../ui/output.ts';
import { PURPOSE_WORDS } from '../shared/interrupted.ts';

const MEANING: Readonly<Record<ModuleState, string>> = {
  original: 'original: the module on disk is not from mptfix',
  patched: 'patched: the module that mptfix installed is on disk',
  drifted: 'DRIFTED: mptfix installed a module, and another one is there now (a kernel update?)',
  interrupted: 'INTERRUPTED: a run was interrupted; apply and rollback first put everything back',
  absent: 'this kernel has no such module',
  'at-work': 'a run is at work: what is below may change any moment',
  unknown: 'UNKNOWN: this user may not see what mptfix has installed; run it as root',
};

const NO_MODULE: Readonly<Record<NonNullable<GuestStatus['noModule']>['place'], string>> = {
  'built-in': 'built in: the driver is part of the kernel, and no module can replace it',
  nowhere: MEANING.absent,
  unknown: 'UNKNOWN: no module was found, and nothing tells whether the driver is built in',
};

const COLOUR = {
  original: 'bold',
  patched: 'green',
  drifted: 'red',
  interrupted: 'red',
  absent: 'bold',
  'at-work': 'yellow',
  unknown: 'yellow',
} as const;

const HOLDS: Readonly<Record<GuestStatus['images'][number]['holds'], string>> = {
  same: 'holds the module that is on disk',
  other: 'holds ANOTHER module than the one on disk: a boot would load that one',
  absent: 'does not hold the driver',
  unreadable: 'CANNOT BE READ',
};

const FINDS: Readonly<Record<NonNullable<GuestStatus['index']>['finds'], string>> = {
  module: 'leads modprobe to the module',
  other: 'leads modprobe to ANOTHER file',
  nothing: 'the guest’s modprobe CANNOT USE it',
  unknown: 'NOT LOOKED AT: it is not known which modprobe the guest has',
};

/** The row of a table of several. */
export function statusCells(result: GuestStatus): readonly string[] {
  const { state, kernel, module, noModule, images, rebootNeeded } = result;
  const odd = images.find(({ holds }) => holds === 'other' || holds === 'unreadable');
  const inImages = odd ?? images.find(({ holds }) => holds === 'same');
  return [
    state === 'drifted' || state === 'interrupted' ? state.toUpperCase() : state,
    kernel.release,
    module?.verdict ?? noModule?.place ?? '-',
    inImages === undefined ? '-' : IN_IMAGES[inImages.holds],
    rebootNeeded === null ? '-' : rebootNeeded ? 'needed' : 'not needed',
  ];
}

/** `HOLDS` in a word. */
const IN_IMAGES: Readonly<Record<GuestStatus['images'][number]['holds'], string>> = {
  same: 'the same',
  other: 'ANOTHER',
  absent: '-',
  unreadable: 'UNREADABLE',
};

export function statusPage(result: GuestStatus): string {
  const {
    state,
    module,
    noModule,
    generation,
    kernel,
    loaded,
    rebootNeeded,
    images,
    fallbacks,
    interrupted,
  } = result;
  const rows: [string, string][] = [
    ['guest', result.target],
    ['distro', kernel.distro],
    ['kernel', `${kernel.release}${kernel.running === true ? ' (running)' : ''}`],
  ];
  if (module !== null) {
    rows.push(['module', module.path], ['sha256', module.sha256], ['verdict', module.verdict]);
    if (state !== 'patched') rows.push(['package', packageText(module.asPackaged)]);
  }
  if (noModule !== null) rows.push(['driver', noModule.detail]);
  if (generation !== null)
    rows.push([
      'generation',
      `${generation.number}, ${generation.created ?? 'not finished'}, ${generation.folder}`,
    ]);
  const { index } = result;
  if (index !== null && index.finds !== 'module')
    rows.push([
      'index',
      `${FINDS[index.finds]}${index.tools === null ? '' : ` (${index.tools})`}: ${index.detail}`,
    ]);
  for (const { path, holds, detail } of images)
    rows.push(['initramfs', `${path}: ${HOLDS[holds]}${holds === 'unreadable' ? ` (${detail})` : ''}`]);
  for (const path of fallbacks) rows.push(['kept', `${path}: the old image, as a way back at boot`]);
  for (const text of result.unseen) rows.push(['not seen', text]);
  for (const one of interrupted)
    rows.push(['interrupted', `${PURPOSE_WORDS[one.purpose]}, number ${one.number}`]);
  if (loaded !== null) rows.push(['loaded', loadedText(loaded.sameAsDisk)]);
  if (rebootNeeded === true)
    rows.push(['reboot', 'needed: the running kernel still has the other driver loaded']);
  const meaning = state === 'absent' && noModule !== null ? NO_MODULE[noModule.place] : MEANING[state];
  return [style(COLOUR[state], meaning), '', columns(rows)].join('\n');
}

function packageText(asPackaged: boolean | null): string {
  if (asPackaged === null) return 'the module was not compared with that of its package: only dpkg’s can be';
  return asPackaged ? 'the module is as its package has it' : 'the module is ANOTHER than its package has';
}

function loadedText(sameAsDisk: boolean | null): string {
  if (sameAsDisk === null) return 'yes; it is not known whether it is the one on disk';
  return sameAsDisk ? 'the one on disk' : 'not the one on disk';
}
