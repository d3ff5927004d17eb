import * as v from 'valibot';
import { artifactInfoSchema } from '../artifact-info.ts';
import type { Document } from '../document.ts';
import { kernelIdentitySchema } from '../guest/document.ts';
import { fileRecord } from '../machine/record.ts';
import { generationNumberSchema, moduleNameSchema } from '../names.ts';

/** An initramfs that held the driver and was rebuilt. */
const imageRecord = v.object({
  path: v.string(),
  /** Where the old image is kept as a bootable fallback. */
  fallback: v.string(),
  tool: v.string(),
  before: v.string(),
  after: v.string(),
  /** How it was seen that the new image holds the new module. */
  proof: v.string(),
});
export type ImageRecord = Document<typeof imageRecord>;

/** One installed state: what was there, what is there now, where it came from. Written when all of it is done. */
export const manifestSchema = v.object({
  schema: v.literal('mptfix.manifest/1'),
  generation: generationNumberSchema,
  /** ISO 8601, UTC. */
  created: v.string(),
  tool: v.string(),
  kernel: kernelIdentitySchema,
  module: v.object({ name: moduleNameSchema, path: v.string(), before: fileRecord, after: fileRecord }),
  artifact: artifactInfoSchema,
  placement: v.picklist(['in-place', 'updates']),
  images: v.array(imageRecord),
  /** The boot menu's entry for the old images, where one was asked for. */
  bootEntry: v.nullable(v.object({ loader: v.string(), title: v.string() })),
  /** How it was seen that the kernel's tools now load this module. */
  outcome: v.array(v.string()),
  /** Every touched file as the installation left it; absent ones are left out. */
  after: v.array(fileRecord),
  warnings: v.array(v.string()),
});
export type Manifest = Document<typeof manifestSchema>;
