import * as v from 'valibot';
import type { Document } from '../document.ts';
import { type ErrorCode, EXIT_STATUS } from '../errors.ts';

/** What every command prints with `--json` where it fails. */
export const errorSchema = v.strictObject({
  schema: v.literal('mptfix.error/1'),
  error: v.strictObject({
    code: v.picklist(Object.keys(EXIT_STATUS) as ErrorCode[]),
    /** One line: what could not be done, and why. */
    what: v.string(),
    /** One line: the next command to type, or the thing to bring. */
    next: v.string(),
    /** The log that holds the details, if one was written. */
    log: v.optional(v.string()),
  }),
});
export type FailureDocument = Document<typeof errorSchema>;
