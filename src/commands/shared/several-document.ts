import * as v from 'valibot';
import { errorSchema } from '../../ui/failure-document.ts';

/**
 * What a command prints with `--json` that looked at several guests, or at several kernels of one: in one document, for
 * each of them the document that the command prints of one, or the error that it ended with.
 */
export function severalSchema<Name extends string, Output extends v.GenericSchema>(
  name: Name,
  output: Output,
) {
  return v.strictObject({
    schema: v.literal(name),
    /** That of the run: the worst of all. */
    exitStatus: v.number(),
    results: v.array(
      v.strictObject({
        /** The folder as it was given, or this machine's name. */
        guest: v.string(),
        /** The kernel that was asked for; null where none was named. */
        kernel: v.nullable(v.string()),
        /** The exit status that the command would have ended with for this one alone. */
        exitStatus: v.number(),
        output: v.union([output, errorSchema]),
      }),
    ),
    /** With --fail-fast: the guests after the one that failed. */
    notTried: v.exactOptional(v.array(v.string())),
  });
}
