import { dirname } from 'node:path';
import * as v from 'valibot';
import { fileRecord } from '../machine/record.ts';

/** A file that a step writes or removes, as it was before. */
const touchedFile = v.object({
  path: v.string(),
  /** Null: there was none. */
  original: v.nullable(fileRecord),
  /** Name of the kept copy in the transaction's `originals` folder, or its whole path where it lies elsewhere. */
  backup: v.nullable(v.string()),
});
export type TouchedFile = v.InferOutput<typeof touchedFile>;

const one = v.tuple([touchedFile]);
const policy = v.picklist(['continue', 'remount-ro', 'panic']);
/** Of an ext file system's superblock; its UUID tells it apart where names of disks have changed. */
const superblockPolicy = { device: v.string(), uuid: v.string(), before: policy, after: policy };
/** Which module, of which kernel. */
const ofModule = { release: v.string(), module: v.string() };

/**
 * Every kind of change to a guest, as it is written down before it is done: enough to undo it, and to see whether
 * somebody else has changed it since. What a kind does is its handler's business, in the room that makes such changes.
 */
const stepSchemas = [
  // Files of any room.
  v.object({
    kind: v.literal('file'),
    what: v.string(),
    /** SHA-256 of the new content; null where the file is removed. */
    after: v.nullable(v.string()),
    mode: v.number(),
    files: one,
  }),
  v.object({ kind: v.literal('folder'), path: v.string() }),
  /** A symbolic link's text; null: there is none. */
  v.object({
    kind: v.literal('link'),
    path: v.string(),
    before: v.nullable(v.string()),
    after: v.nullable(v.string()),
  }),
  // An installation.
  /** `like`: the shipped module, whose mode, owner and attributes the new one gets. */
  v.object({ kind: v.literal('module'), like: v.string(), files: one }),
  /** `path`: the module that the index must name. `form`: what it is written as; earlier records do not say it. */
  v.object({
    kind: v.literal('index'),
    ...ofModule,
    path: v.string(),
    form: v.optional(v.picklist(['modutils', 'm-i-t-3.0', 'm-i-t-3.5', 'm-i-t-3.6', 'm-i-t-3.7', 'kmod'])),
    files: v.array(touchedFile),
  }),
  v.object({ kind: v.literal('kept-image'), image: v.string(), files: one }),
  v.object({
    kind: v.literal('image-build'),
    ...ofModule,
    image: v.string(),
    tool: v.string(),
    output: v.string(),
  }),
  /** The image, then the files that the distro's own tool keeps about it. */
  v.object({
    kind: v.literal('image'),
    ...ofModule,
    tool: v.string(),
    output: v.string(),
    files: v.tupleWithRest([touchedFile], touchedFile),
  }),
  v.object({
    kind: v.literal('boot-entry'),
    release: v.string(),
    generation: v.number(),
    removes: v.boolean(),
    mode: v.number(),
    files: one,
  }),
  // Hardening.
  v.object({ kind: v.literal('superblock'), ...superblockPolicy }),
  /** The superblock of a tree's device or image, whose path is the controller's. */
  v.object({ kind: v.literal('device-superblock'), ...superblockPolicy }),
  v.object({
    kind: v.literal('mount-option'),
    mountPoint: v.string(),
    device: v.string(),
    before: policy,
    after: policy,
  }),
  v.object({ kind: v.literal('sysfs'), path: v.string(), before: v.string(), after: v.string() }),
  // The watch's schedule.
  v.object({ kind: v.literal('memory-copy'), path: v.string() }),
  /** `reload` has the scheduler read its files again when they are put back; `start` starts the job. */
  v.object({
    kind: v.literal('scheduler'),
    scheduler: v.picklist(['systemd', 'cron.d', 'crontab']),
    action: v.picklist(['reload', 'start']),
    /** Whether there was no such job before. */
    isNew: v.boolean(),
  }),
] as const;

export const stepSchema = v.variant('kind', stepSchemas);
export type Step = v.InferOutput<typeof stepSchema>;
export type StepKind = Step['kind'];
export type StepOf<K extends StepKind> = Extract<Step, { readonly kind: K }>;

/** The files that a step touches. */
export function filesOf(step: Step): readonly TouchedFile[] {
  return 'files' in step ? step.files : [];
}

/** The folders whose entries the steps change, without those that the steps make. */
export function changedFolders(steps: readonly Step[]): readonly string[] {
  const made = new Set(madeFolders(steps));
  return [...new Set(steps.flatMap(foldersOf))].filter((path) => !made.has(path));
}

export function madeFolders(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => (step.kind === 'folder' ? [step.path] : []));
}

/** The folders in which a step makes, replaces or removes a name. */
export function foldersOf(step: Step): readonly string[] {
  const isEntry = step.kind === 'folder' || step.kind === 'link';
  const paths = isEntry ? [step.path] : filesOf(step).map(({ path }) => path);
  // What a tool builds beside the image may be left there.
  return (step.kind === 'image-build' ? [step.output] : paths).map((path) => dirname(path));
}
