import type { Era, FieldName } from '../../src/kernel-log/signature.ts';

/** What one message of a line must be decoded to: all of its fields, and its detail where it has one. */
export interface Expected {
  readonly id: string;
  readonly fields: Readonly<Partial<Record<FieldName, string>>>;
  readonly detail?: string;
}

/** One line of a log, and every message on it. */
export interface Line {
  readonly era: Era;
  readonly line: string;
  readonly events: readonly Expected[];
  readonly host?: string;
  readonly kernelSeconds?: number;
}

export const message = (id: string, fields: Expected['fields'] = {}, detail?: string): Expected => ({
  id,
  fields,
  ...(detail === undefined ? {} : { detail }),
});
