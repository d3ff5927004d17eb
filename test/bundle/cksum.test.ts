import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cksum } from '../../src/bundle/cksum.ts';

test.each([0, 1, 3, 255, 256, 257, 65_535, 70_001])('%d bytes have the sum that cksum(1) gives', (length) => {
  const bytes = Buffer.from(Array.from({ length }, (_, at) => (at * 131 + 7) % 256));
  const { stdout } = spawnSync('cksum', { input: bytes, encoding: 'utf8' });
  expect(`${cksum(bytes)} ${length}`).toBe(stdout.trim());
  const half = length >> 1;
  expect(cksum(bytes.subarray(0, half), bytes.subarray(half))).toBe(cksum(bytes));
});
