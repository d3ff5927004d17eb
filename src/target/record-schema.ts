import * as v from 'valibot';

/** A `FileRecord` as a manifest or a journal of ours has it: anything else is not believed. */
export const fileRecord = v.object({
  path: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  size: v.number(),
  mode: v.pipe(v.string(), v.regex(/^[0-7]{4}$/)),
  uid: v.number(),
  gid: v.number(),
  mtime: v.pipe(v.string(), v.regex(/^-?\d+\.\d{9}$/)),
});
