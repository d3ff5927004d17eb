import * as v from 'valibot';

/**
 * What a schema describes, as code has it. A command imports the type of its document alone, not the schema: valibot
 * takes time to load, and the tests hold every document that mptfix prints against its schema.
 */
export type Document<Schema extends v.GenericSchema> = DeepReadonly<v.InferOutput<Schema>>;

/** A value that nobody writes to, at any depth: what is inferred from a schema is writable. */
type DeepReadonly<T> = unknown extends T
  ? T
  : T extends string | number | boolean | bigint | null | undefined
    ? T
    : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/**
 * The same schema, all of whose objects take no other properties. What mptfix reads back from a guest may have some that
 * a later version has added; what it prints may not.
 */
export function strict<Schema extends v.GenericSchema>(schema: Schema): Schema {
  return strictly(schema) as Schema;
}

interface AnySchema extends v.GenericSchema {
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly item?: AnySchema;
  readonly wrapped?: AnySchema;
  /** What an optional one has where nothing is given. */
  readonly default?: undefined;
}

function strictly(schema: AnySchema): AnySchema {
  if (schema.type === 'object' && schema.entries !== undefined)
    return v.strictObject(mapped(schema.entries)) as AnySchema;
  if (schema.type === 'array' && schema.item !== undefined)
    return v.array(strictly(schema.item)) as AnySchema;
  if (schema.type === 'nullable' && schema.wrapped !== undefined)
    return v.nullable(strictly(schema.wrapped)) as AnySchema;
  if (schema.type === 'optional' && schema.wrapped !== undefined)
    return v.optional(strictly(schema.wrapped), schema.default) as AnySchema;
  return schema;
}

function mapped(entries: Readonly<Record<string, AnySchema>>): Record<string, AnySchema> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, strictly(entry)]));
}
