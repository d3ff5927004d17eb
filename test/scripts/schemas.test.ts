import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DOCUMENTS } from '../../src/commands/documents.ts';
import { requireDocument } from '../helpers/documents.ts';
import { temporary } from '../machine/temporary.ts';

const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

test('schemas/ is what npm run schemas writes', async () => {
  const fresh = await temporary({ 'old-1.json': '{}' });
  execFileSync(process.execPath, ['scripts/schemas.mjs', fresh]);
  expect(filesIn('schemas')).toEqual(filesIn(fresh));
  // That of the statement beside them: it is in-toto's, and names itself in its own way.
  expect(readdirSync('schemas')).toHaveLength(DOCUMENTS.length + 1);
});

test('every document that src/ prints has a schema', () => {
  const known = new Set(DOCUMENTS.map((schema): string => schema.entries.schema.literal));
  expect(known.size).toBe(DOCUMENTS.length);
  for (const [name, text] of Object.entries(filesIn('schemas'))) {
    const { title, properties, required, additionalProperties } = JSON.parse(text);
    if (name === 'statement-1.json') {
      expect([title, properties._type.const]).toEqual([
        'mptfix.statement/1',
        'https://in-toto.io/Statement/v1',
      ]);
      continue;
    }
    expect([name, known.has(title), properties.schema.const]).toEqual([name, true, title]);
    expect([name, required.includes('schema'), additionalProperties]).toEqual([name, true, false]);
  }
});

describe('a document that does not fit is found:', () => {
  const good = { schema: 'mptfix.error/1', error: { code: 'E_USAGE', what: 'a', next: 'b' } };

  test.each([
    ['an unknown schema', { ...good, schema: 'mptfix.other/1' }, /unknown schema/],
    ['no schema', {}, /unknown schema/],
    ['an undeclared property', { ...good, more: 1 }, /more/],
    ['one within', { ...good, error: { ...good.error, hint: 'c' } }, /error\.hint/],
    ['an unknown code', { ...good, error: { ...good.error, code: 'E_NO' } }, /error\.code/],
  ])('%s', (_, document, problem) => {
    expect(() => requireDocument(document)).toThrow(problem);
    expect(() => requireDocument(good)).not.toThrow();
  });

  test('what comes from a manifest has no other properties either', () => {
    const apply = JSON.parse(readFileSync('schemas/apply-1.json', 'utf8'));
    const text = JSON.stringify(apply.properties.manifest);
    expect(text.match(/"type":"object"/g)?.length).toBe(text.match(/"additionalProperties":false/g)?.length);
  });
});
