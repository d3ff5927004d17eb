import { expect, test } from 'vitest';
import { readingProgress } from '../../../src/commands/diagnose/progress.ts';
import type { LogPart } from '../../../src/diagnose/sources.ts';

const MIB = 1024 * 1024;
const part = (name: string, bytes?: number): LogPart => ({
  name,
  until: 0,
  ...(bytes === undefined ? {} : { bytes }),
  open: async function* () {},
});

test('how far a long log is read is told every five seconds, and of a short one nothing', () => {
  const said: string[] = [];
  let now = 1000;
  const progress = readingProgress(
    (line) => said.push(line),
    () => now,
  );
  const log = part('/var/log/messages', 400 * MIB);
  for (let second = 0; second < 12; second += 1) {
    progress(log, 10 * MIB);
    now += 1000;
  }
  expect(said).toEqual([
    'reading /var/log/messages: 60.0 MiB of 400 MiB',
    'reading /var/log/messages: 110 MiB of 400 MiB',
  ]);
});

test('each log counts from its beginning, and of a packed one the size is not known', () => {
  const said: string[] = [];
  let now = 0;
  const progress = readingProgress(
    (line) => said.push(line),
    () => now,
  );
  progress(part('a'), 10 * MIB);
  const packed = part('b\u001b[2J.gz', MIB);
  progress(packed, 10 * MIB);
  now = 6000;
  progress(packed, 10 * MIB);
  expect(said).toEqual(['reading b\\x1b[2J.gz: 20.0 MiB']);
});
