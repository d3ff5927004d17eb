type Plain = string | number | boolean | bigint | null | undefined;

/** A value that nobody writes to, at any depth: what is inferred from a schema is writable. */
export type DeepReadonly<T> = T extends Plain
  ? T
  : T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };
