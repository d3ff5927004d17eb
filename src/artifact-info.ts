import * as v from 'valibot';
import type { Document } from './document.ts';

const proof = v.object({
  name: v.string(),
  ok: v.boolean(),
  detail: v.string(),
  waived: v.optional(v.boolean(), false),
});

/**
 * What an artifact was built from, and why it is trusted. `build` writes it, `install` keeps it in its manifest, and
 * neither of the two may import the other: so it is ground for both.
 */
export const artifactInfoSchema = v.object({
  source: v.object({
    origin: v.string(),
    version: v.nullable(v.string()),
    file: v.string(),
    sha256: v.string(),
    patchedSha256: v.string(),
  }),
  headers: v.object({
    origin: v.string(),
    version: v.string(),
    release: v.nullable(v.string()),
    /** Of what the proofs hold against the guest's kernel: `.config`, and Module.symvers with the symbols' CRCs. */
    configSha256: v.exactOptional(v.string()),
    symversSha256: v.exactOptional(v.string()),
  }),
  packages: v.array(v.object({ name: v.string(), version: v.string(), sha256: v.string() })),
  /** Null where the source had no branch: nothing was patched. */
  patch: v.nullable(
    v.object({
      name: v.string(),
      origin: v.picklist(['stored', 'adapted']),
      firstLine: v.number(),
      lastLine: v.number(),
      diff: v.string(),
    }),
  ),
  /** Relocations of the built module that were given another type, so that the guest's kernel loads it. */
  edits: v.optional(
    v.array(v.object({ from: v.string(), to: v.string(), count: v.number(), why: v.string() })),
    [],
  ),
  compiler: v.string(),
  /** Where it was compiled; null in what mptfix 0 wrote before it knew of others than this machine. */
  toolchain: v.optional(
    v.nullable(
      v.object({
        kind: v.picklist(['machine', 'guest', 'tree', 'image']),
        /** "this machine", the tree's path, or the image's name. */
        origin: v.string(),
        /** The first line of the compiler's `--version`. */
        version: v.string(),
        /** Of the compiler's own program; null where it could not be read. */
        sha256: v.nullable(v.string()),
      }),
    ),
    null,
  ),
  /** make's words for what is installed: it went through kbuild. */
  command: v.array(v.string()),
  /**
   * How the module of the unchanged source was made, with which provenance is proven; null where it is the same build as
   * the one that is installed, and in what mptfix wrote before it said so.
   */
  unchanged: v.optional(
    v.nullable(
      v.object({
        /** `recorded commands`: those that kbuild recorded for the other module, without make. */
        madeBy: v.picklist(['make', 'recorded commands']),
        /** As a shell ran them, in their order. */
        commands: v.array(v.string()),
        /** Why make ran for it too; null where it did not, or where both are built by make anyway. */
        whyMake: v.nullable(v.string()),
      }),
    ),
    null,
  ),
  vermagic: v.string(),
  proofs: v.array(proof),
});
export type ArtifactInfo = Document<typeof artifactInfoSchema>;
