import * as v from 'valibot';
import type { Document } from '../document.ts';
import { verdictSchema } from '../driver/verdict.ts';

const imageStatus = v.strictObject({
  path: v.string(),
  /**
   * `same`: the module that is on the disk. `other`: another one, which a boot would load. `absent`: no such module.
   * `unreadable`: `detail` says why.
   */
  holds: v.picklist(['same', 'other', 'absent', 'unreadable']),
  detail: v.string(),
});
/** What an initramfs holds, compared with the module on the disk. */
export type ImageStatus = Document<typeof imageStatus>;

const loadedModule = v.strictObject({
  srcversion: v.nullable(v.string()),
  buildId: v.nullable(v.string()),
  /** Null where neither the one nor the other can be compared. */
  sameAsDisk: v.nullable(v.boolean()),
});
/** The driver's code in the running kernel. */
export type LoadedModule = Document<typeof loadedModule>;

const indexStatus = v.strictObject({
  /** Which depmod and modprobe the guest has, such as `module-init-tools 3.3-pre2`; null where nothing tells it. */
  tools: v.nullable(v.string()),
  /**
   * What that modprobe finds by the index: `module`, this file and all that it needs; `other`, another file; `nothing`, as it
   * cannot use the index; `unknown`: it is not known which modprobe it is.
   */
  finds: v.picklist(['module', 'other', 'nothing', 'unknown']),
  detail: v.string(),
});
/** The module index, read as the guest's own modprobe reads it. */
export type IndexStatus = Document<typeof indexStatus>;

/** What `status --json` prints. */
export const statusSchema = v.strictObject({
  schema: v.literal('mptfix.status/1'),
  /**
   * `original`: mptfix has nothing installed here; `module.asPackaged` tells whether the module is its package's. `patched`:
   * ours is on disk. `drifted`: ours was installed, and something else is there now. `interrupted`: the run was interrupted.
   * `absent`: no such module. `at-work`: a run is at work. `unknown`: this user may not see what is installed.
   */
  state: v.picklist(['original', 'patched', 'drifted', 'interrupted', 'absent', 'at-work', 'unknown']),
  target: v.string(),
  kernel: v.strictObject({
    release: v.string(),
    distro: v.string(),
    running: v.nullable(v.boolean()),
  }),
  module: v.nullable(
    v.strictObject({
      name: v.string(),
      path: v.string(),
      sha256: v.string(),
      verdict: verdictSchema,
      /** Whether it is what its package has unpacked; null where that cannot be compared. */
      asPackaged: v.nullable(v.boolean()),
      srcversion: v.nullable(v.string()),
      buildId: v.nullable(v.string()),
    }),
  ),
  /**
   * Where the driver is if no module of it was found: part of the kernel's image, nowhere, or not known. Null where there
   * is a module.
   */
  noModule: v.nullable(
    v.strictObject({ place: v.picklist(['built-in', 'nowhere', 'unknown']), detail: v.string() }),
  ),
  /** The generation in force, or the one that was interrupted. */
  generation: v.nullable(
    v.strictObject({ number: v.number(), created: v.nullable(v.string()), folder: v.string() }),
  ),
  /** Null where there is no module. */
  index: v.nullable(indexStatus),
  /** Every initramfs of this kernel; at boot the driver is loaded from there. */
  images: v.array(imageStatus),
  /** Old images that are kept in /boot as a way back. */
  fallbacks: v.array(v.string()),
  /** The code in the running kernel; null where the guest does not run this kernel, or has not loaded it. */
  loaded: v.nullable(loadedModule),
  /** Whether disk, initramfs and, where that is known, the running kernel have the same module. */
  agree: v.boolean(),
  /** Whether the file on disk is used only after a reboot; null where that is not known. */
  rebootNeeded: v.nullable(v.boolean()),
  generations: v.array(
    v.strictObject({
      number: v.number(),
      kernel: v.string(),
      state: v.picklist(['installed', 'rolled-back', 'replaced', 'open']),
    }),
  ),
  /** What this user could not look at, and why; empty where all was seen. */
  unseen: v.array(v.string()),
  /** Interrupted runs: installations, runs of harden, installations of the watch; none while a run is at work. */
  interrupted: v.array(
    v.strictObject({
      purpose: v.picklist(['install', 'harden', 'schedule']),
      number: v.number(),
      /** Kernel release, of an installation. */
      kernel: v.nullable(v.string()),
    }),
  ),
});
export type GuestStatus = Document<typeof statusSchema>;
export type ModuleState = GuestStatus['state'];
