import { expect, test } from 'vitest';
import { parseRequest } from '../../src/harden/request.ts';
import { failureOf } from '../machine/temporary.ts';

test('settings are read in any order, either or both', () => {
  expect(parseRequest(['errors=remount-ro', 'timeout=180'])).toEqual({ errors: 'remount-ro', timeout: 180 });
  expect(parseRequest(['timeout=30'])).toEqual({ timeout: 30 });
  expect(parseRequest(['timeout=180s'])).toEqual({ timeout: 180 });
  expect(parseRequest(['timeout=3m'])).toEqual({ timeout: 180 });
  expect(parseRequest(['errors=panic'])).toEqual({ errors: 'panic' });
});

test.each([
  [[]],
  [['errors']],
  [['errors=']],
  [['errors=remount']],
  [['errors=remount-ro\n']],
  [['timeout=29']],
  [['timeout=3601']],
  [['timeout=29s']],
  [['timeout=2h']],
  [['timeout=-180']],
  [['timeout=1e3']],
  [['constructor=1']],
  [['remount-ro', 'timeout=180']],
])('%j is refused', async (words) => {
  const { code } = await failureOf((async () => parseRequest(words))());
  expect(code).toBe('E_USAGE');
});

test('every word that is wrong is named', async () => {
  const { what } = await failureOf((async () => parseRequest(['a=1', 'timeout=180', 'b']))());
  expect(what).toBe('--apply does not know "a=1", "b"');
});
