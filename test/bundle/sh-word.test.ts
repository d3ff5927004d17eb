import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shWord } from '../../src/bundle/sh-word.ts';

test('a shell reads back any text as one word', () => {
  const texts = fc
    .sample(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom(...`'"\\$\`\n;&|<> !*?~-#`) }),
      ),
      500,
    )
    .map((text) => text.replaceAll('\0', '').toWellFormed());
  const script = texts.map((text) => `printf '%s\\0' ${shWord(text)}`).join('\n');
  const said = execFileSync('sh', { input: script, encoding: 'utf8' });
  expect(said.split('\0').slice(0, -1)).toEqual(texts);
});
