import { expect, test } from 'vitest';
import { parseMoment } from '../src/commands/diagnose/moment.ts';
import { parseDuration } from '../src/duration.ts';

const FORMS: readonly [text: string, seconds: number][] = [
  ['30s', 30],
  ['10m', 600],
  ['10min', 600],
  ['90 m', 5400],
  ['2h', 7200],
  ['3d', 259_200],
  ['1w', 604_800],
];

test.each(FORMS)('%s is a length of time, and as a moment so long ago', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds * 1000);
  const now = Date.UTC(2026, 0, 31);
  for (const form of [text, `-${text}`]) expect(parseMoment(form, now)).toBe(now - seconds * 1000);
});

test.each(['', '10', 'm', '1.5h', '-1m', '1M', '10 months', '1y', '1constructor', '1e3s', '1234567s'])(
  '%j is none',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test('dates stay dates', () => {
  const now = Date.UTC(2026, 0, 31);
  expect(parseMoment('2026-01-30T12:00Z', now)).toBe(Date.UTC(2026, 0, 30, 12));
  expect(parseMoment('@1767225600', now)).toBe(1_767_225_600_000);
  expect(parseMoment('2026-01', now)).toBeUndefined();
});
