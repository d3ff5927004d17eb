import * as v from 'valibot';
import type { DemoResult } from '../../src/commands/demo/document.ts';
import { DOCUMENTS } from '../../src/commands/documents.ts';

const SCHEMAS: ReadonlyMap<string, v.GenericSchema> = new Map(
  DOCUMENTS.map((schema) => [schema.entries.schema.literal, schema]),
);

/** Holds a document that mptfix printed against its own schema; throws what does not fit, and where it names none. */
export function requireDocument(document: unknown): void {
  const name =
    typeof document === 'object' && document !== null && 'schema' in document ? document.schema : undefined;
  const schema = SCHEMAS.get(String(name));
  if (schema === undefined) throw new Error(`mptfix printed a document of an unknown schema: ${name}`);
  const { issues } = v.safeParse(schema, document);
  if (issues !== undefined) {
    const problems = issues.map((issue) => `${v.getDotPath(issue) ?? '.'}: ${issue.message}`);
    throw new Error(`mptfix printed no ${name}:\n${problems.join('\n')}`);
  }
  // The demo's document holds those of the commands that it runs.
  if (name === 'mptfix.demo/1')
    for (const { output } of (document as DemoResult).commands) requireDocument(output);
}

/** The same of all that a run with `--json` printed: one document, or one a line (`watch follow`). */
export function requireDocuments(stdout: string): void {
  for (const document of documentsIn(stdout)) requireDocument(document);
}

function documentsIn(stdout: string): readonly unknown[] {
  if (stdout.trim() === '') return [];
  try {
    return [JSON.parse(stdout)];
  } catch {
    return stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  }
}
