import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');
/** How a target is called where it is one; where sources come from has a `kind` of other names. */
const ASKS =
  /\b(?:target|machine|guest|tree)\??\.kind [!=]== '(?:local|root|host)'|\{ kind\b[^}]*\}: Target\b/;

test('no room asks which kind a target is, but for what such a kind has', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const asking = files.filter(
    (name) =>
      name !== 'machine/kinds.ts' &&
      readFileSync(join(SRC, name), 'utf8')
        .split('\n')
        .some((line) => ASKS.test(line)),
  );
  expect(files.length).toBeGreaterThan(400);
  expect(asking).toEqual([]);
});
