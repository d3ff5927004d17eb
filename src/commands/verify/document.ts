import * as v from 'valibot';
import { statementSchema } from '../../bundle/statement.ts';
import { type Document, strict } from '../../document.ts';
import { kernelIdentitySchema } from '../../guest/document.ts';

/** What `verify --json` prints. What is wrong with a bundle is an error (`mptfix.error/1`). */
export const verifySchema = v.strictObject({
  schema: v.literal('mptfix.verify/1'),
  /**
   * `verified`: one of the signers has signed it. `unvouched`: it is whole and signed, and nobody was named whose signature
   * counts. `unsigned`: it is whole, which whoever changes it can bring about.
   */
  result: v.picklist(['verified', 'unvouched', 'unsigned']),
  bundle: v.strictObject({ file: v.string(), sha256: v.string(), size: v.number() }),
  kernel: strict(kernelIdentitySchema),
  architecture: v.picklist(['x86_64', 'i386']),
  module: v.strictObject({
    name: v.string(),
    sha256: v.string(),
    replaces: v.strictObject({ path: v.string(), sha256: v.string() }),
  }),
  tool: v.string(),
  /** `same`: the sh in it is, to the byte, what this mptfix would write. `other`: it is another version's, or was changed. */
  installer: v.picklist(['same', 'other']),
  signature: v.nullable(
    v.strictObject({
      file: v.string(),
      namespace: v.string(),
      /** As ssh-keygen names it, such as `ED25519 key SHA256:…`. */
      key: v.nullable(v.string()),
      /** By the signers' file; null where none was given. */
      identity: v.nullable(v.string()),
    }),
  ),
  statement: statementSchema,
});
export type VerifyResult = Document<typeof verifySchema>;
