import type * as v from 'valibot';

/**
 * What a schema describes, as code has it: read-only all the way down. Import schemas as types only where a command
 * runs: valibot costs time to load, and the documents that mptfix prints are held against their schemas by the tests.
 */
export type Document<Schema extends v.GenericSchema> = DeepReadonly<v.InferOutput<Schema>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
