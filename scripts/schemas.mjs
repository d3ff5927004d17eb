// npm run schemas: writes each document that mptfix prints with --json as JSON Schema, to schemas/ or to the folder
// given, and removes what it did not write there.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { statementSchema } from '../src/bundle/statement.ts';
import { DOCUMENTS } from '../src/commands/documents.ts';

const folder = process.argv[2] ?? join(import.meta.dirname, '..', 'schemas');
mkdirSync(folder, { recursive: true });
const documents = DOCUMENTS.map((schema) => [schema.entries.schema.literal, schema]);
const kept = new Set(
  // What mptfix writes into a file of its own, in the form of somebody else, has no name in it.
  [...documents, ['mptfix.statement/1', statementSchema]].map(([name, schema]) => {
    // mptfix.check/1 is in check-1.json.
    const file = `${name.replace(/^mptfix\./, '').replace('/', '-')}.json`;
    const { $schema, ...rest } = toJsonSchema(schema, { target: 'draft-2020-12' });
    writeFileSync(join(folder, file), `${JSON.stringify({ $schema, title: name, ...rest }, null, 2)}\n`);
    return file;
  }),
);
for (const file of readdirSync(folder)) if (!kept.has(file)) rmSync(join(folder, file));
