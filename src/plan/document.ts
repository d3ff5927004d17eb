import * as v from 'valibot';
import type { Document } from '../document.ts';
import { PLACEMENTS } from '../install/placements.ts';
import { kernelReleaseSchema, moduleNameSchema, packageNameSchema, packageVersionSchema } from '../names.ts';

// A plan comes back from a file (`apply --plan`): every name in it is checked, though only what the guest itself says
// again is ever done.

const word = (pattern: RegExp) => v.pipe(v.string(), v.maxLength(255), v.regex(pattern));
/** Free text, to be read or compared. */
const text = v.pipe(v.string(), v.maxLength(16_384));
/** Absolute, without control characters, and without a step upwards. JSON Schema knows no flags of a pattern. */
const path = v.pipe(
  v.string(),
  v.maxLength(4096),
  v.regex(/^(?:\/(?!\.\.?(?:\/|$))[ -.0-~\u00a0-\uffff]+)+$|^\/$/),
);
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const originSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('local'), path }),
  v.strictObject({ kind: v.literal('guest'), path }),
  /** No headers: the source itself is configured as the guest's kernel was. */
  v.strictObject({ kind: v.literal('tree') }),
  v.strictObject({
    kind: v.literal('package'),
    name: packageNameSchema,
    version: v.nullable(packageVersionSchema),
  }),
]);

/** An initramfs of the kernel, and what becomes of it. */
const imageSchema = v.strictObject({
  path,
  /** What builds it on this guest; null where nothing is known to. */
  tool: v.nullable(word(/^[\w()+. -]+$/)),
  /**
   * `rebuild`: it holds the driver and is rebuilt. `leave`: it does not hold the driver. `warn`: it holds the driver,
   * and is left because the user asks for that. `refuse`: nothing can be installed while it is as it is.
   */
  action: v.picklist(['rebuild', 'leave', 'warn', 'refuse']),
  detail: text,
});

const stepSchema = v.strictObject({
  effect: v.picklist(['read', 'write']),
  /** Where it happens: on the guest, or in the private work folder. */
  where: v.picklist(['guest', 'work folder']),
  what: text,
});

/** The user's choices of how the module is built, as src/build-options.ts has them. */
const buildSchema = v.strictObject({
  offline: v.boolean(),
  /** URLs, and paths of folders. */
  mirrors: v.array(
    v.pipe(v.string(), v.maxLength(4096), v.regex(/^(?:(?:https?|ftp):\/\/|\/)[ -~\u00a0-\uffff]+$/)),
  ),
  mirrorKeys: v.array(path),
  sha256: v.array(sha256),
  allowUnsigned: v.boolean(),
  wholeTree: v.boolean(),
  full: v.boolean(),
  config: v.nullable(path),
  symvers: v.nullable(path),
  /** `machine`, `guest`, `image:NAME`, or a folder; null: not chosen. */
  toolchain: v.optional(
    v.nullable(
      v.union([
        v.picklist(['machine', 'guest']),
        path,
        v.pipe(v.string(), v.regex(/^image:[A-Za-z0-9][\w.:/@+-]{0,511}$/)),
      ]),
    ),
    null,
  ),
  makeVars: v.array(v.pipe(v.string(), v.maxLength(4096), v.regex(/^[A-Za-z_]\w*=[ -~\u00a0-\uffff]*$/))),
  allowUnproven: v.boolean(),
  sign: v.nullable(v.strictObject({ key: path, certificate: path })),
});

/** What `plan --json` prints, and `apply --plan` takes. */
export const planSchema = v.strictObject({
  schema: v.literal('mptfix.plan/1'),
  /** The mptfix that made it. */
  tool: text,
  /** For people: "this machine", or the tree's path. */
  target: text,
  /** `--root`; null: this machine. */
  root: v.nullable(path),
  verdict: v.picklist(['affected', 'fixed', 'never', 'absent', 'unknown']),
  kernel: v.strictObject({
    release: kernelReleaseSchema,
    base: v.nullable(word(/^\d+(?:\.\d+)*$/)),
    distro: text,
    packageVersion: v.nullable(packageVersionSchema),
  }),
  /** False: nothing is to be done, and `reason` says why. */
  needed: v.boolean(),
  reason: text,
  module: v.nullable(v.strictObject({ name: moduleNameSchema, path, sha256 })),
  source: v.nullable(originSchema),
  headers: v.nullable(originSchema),
  build: buildSchema,
  placement: v.picklist(PLACEMENTS),
  /** False with --no-initramfs. */
  initramfs: v.boolean(),
  /** Every initramfs of this kernel, and what becomes of it. */
  images: v.array(imageSchema),
  /** The boot menu is to offer the old images. */
  bootEntry: v.boolean(),
  steps: v.array(stepSchema),
  warnings: v.array(text),
});

/** Pure data: what `plan` and `--dry-run` print, and what `apply` then does. */
export type Plan = Document<typeof planSchema>;
export type PlanStep = Plan['steps'][number];
export type PlannedImage = Plan['images'][number];
