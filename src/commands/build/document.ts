import * as v from 'valibot';
import { artifactInfoSchema } from '../../artifact-info.ts';
import { statementSchema } from '../../bundle/statement.ts';
import { type Document, strict } from '../../document.ts';
import { kernelIdentitySchema } from '../../guest/document.ts';

/** What `build --json` prints, and `manifest.json` holds. */
export const buildSchema = v.strictObject({
  schema: v.literal('mptfix.build/1'),
  /** `rebuilt`: the source has no branch; the module is the distro's own again. */
  result: v.picklist(['patched', 'rebuilt']),
  /** ISO 8601, UTC. */
  created: v.string(),
  tool: v.string(),
  kernel: strict(kernelIdentitySchema),
  module: v.strictObject({
    name: v.string(),
    file: v.string(),
    sha256: v.string(),
    replaces: v.strictObject({ path: v.string(), sha256: v.string() }),
  }),
  /** What installs it on a guest without Node: one file for its sh. Null where mptfix makes none. */
  bundle: v.nullable(
    v.strictObject({
      file: v.string(),
      sha256: v.string(),
      /** The in-toto statement as a file of its own. */
      statement: v.string(),
      /** By ssh-keygen, with `--sign-bundle`. */
      signature: v.nullable(v.strictObject({ file: v.string(), namespace: v.string() })),
    }),
  ),
  /** What module and bundle were built from, in the form of in-toto and SLSA. Null where there is no bundle. */
  statement: v.nullable(statementSchema),
  artifact: strict(artifactInfoSchema),
});
export type BuildResult = Document<typeof buildSchema>;
