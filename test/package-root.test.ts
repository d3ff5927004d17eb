import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../src/package-root.ts';

test('the folder of mptfix is found from a source file and from a bundle', () => {
  const top = mkdtempSync(join(tmpdir(), 'mptfix-'));
  try {
    mkdirSync(join(top, 'node_modules/other/dist'), { recursive: true });
    writeFileSync(join(top, 'package.json'), '{"name":"mptfix"}');
    writeFileSync(join(top, 'node_modules/other/package.json'), '{"name":"other"}');
    expect(packageRoot(join(top, 'dist'))).toBe(top);
    expect(packageRoot(join(top, 'node_modules/other/dist'))).toBe(top);
    expect(() => packageRoot('/')).toThrow(/package\.json is not above/);
    expect(packageRoot()).toBe(join(import.meta.dirname, '..'));
  } finally {
    rmSync(top, { recursive: true });
  }
});
