import { describe, expect, test } from 'vitest';
import { parseLine } from '../../src/kernel-log/prefix.ts';
import { absoluteTime, isZone } from '../../src/kernel-log/time.ts';

function at(stamp: string, until: string, zone = 'UTC'): string {
  const { time } = parseLine(`${stamp} host kernel: x`).prefix;
  if (time === undefined) throw new Error('no time');
  return new Date(absoluteTime(time, { zone, until: Date.parse(until) })).toISOString();
}

describe('a line without a year is of the latest that the file’s last change allows:', () => {
  test.each([
    ['Mar  3 04:02:11', '2008-03-09T00:00:00Z', '2008-03-03T04:02:11.000Z'],
    ['Dec 31 23:59:59', '2009-01-04T00:00:00Z', '2008-12-31T23:59:59.000Z'],
    ['Jan  1 00:00:01', '2009-01-04T00:00:00Z', '2009-01-01T00:00:01.000Z'],
    // A clock that is some hours ahead, also at New Year.
    ['Mar  3 10:00:00', '2008-03-03T04:00:00Z', '2008-03-03T10:00:00.000Z'],
    ['Jan  1 00:30:00', '2008-12-31T23:50:00Z', '2009-01-01T00:30:00.000Z'],
    ['Feb 29 12:00:00', '2010-05-01T00:00:00Z', '2008-02-29T12:00:00.000Z'],
  ])('%s in a file of %s', (stamp, until, iso) => {
    expect(at(stamp, until)).toBe(iso);
  });
});

describe('a time is of the guest’s zone:', () => {
  test.each([
    ['Europe/Berlin', 'Jul  1 12:00:00', '2008-07-01T10:00:00.000Z'],
    ['Europe/Berlin', 'Jan  1 12:00:00', '2008-01-01T11:00:00.000Z'],
    ['Asia/Kolkata', 'Jul  1 12:00:00', '2008-07-01T06:30:00.000Z'],
    ['America/New_York', 'Jul  1 12:00:00', '2008-07-01T16:00:00.000Z'],
    // The last hour before the clocks go forward, and the first after it.
    ['Europe/Berlin', 'Mar 30 01:30:00', '2008-03-30T00:30:00.000Z'],
    ['Europe/Berlin', 'Mar 30 03:30:00', '2008-03-30T01:30:00.000Z'],
  ])('%s, %s', (zone, stamp, iso) => {
    expect(at(stamp, '2008-08-01T00:00:00Z', zone)).toBe(iso);
  });

  test('what says its zone or its year is taken at its word', () => {
    expect(at('2023-07-28T07:12:29+10:00', '1990-01-01T00:00:00Z')).toBe('2023-07-27T21:12:29.000Z');
    expect(at('Jul 28 2012 07:12:29', '1990-01-01T00:00:00Z')).toBe('2012-07-28T07:12:29.000Z');
  });

  test('a zone that nobody knows is none', () => {
    expect([isZone('Europe/Berlin'), isZone('UTC'), isZone('Mars/Olympus')]).toEqual([true, true, false]);
  });
});
