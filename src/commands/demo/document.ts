import * as v from 'valibot';
import type { Document } from '../../document.ts';

/** What `demo --json` prints. */
export const demoSchema = v.strictObject({
  schema: v.literal('mptfix.demo/1'),
  kernel: v.strictObject({ release: v.string(), packageVersion: v.string(), architecture: v.string() }),
  guest: v.string(),
  source: v.string(),
  /** The distro's own module, which the guest's affected one replaced. */
  distroModule: v.string(),
  kept: v.boolean(),
  commands: v.array(
    v.strictObject({
      command: v.string(),
      status: v.number(),
      /** The document that this command printed. */
      output: v.unknown(),
    }),
  ),
});
export type DemoResult = Document<typeof demoSchema>;
