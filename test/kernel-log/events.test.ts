import { describe, expect, test } from 'vitest';
import { lineEvents, logEvents } from '../../src/kernel-log/events.ts';
import { FIELD_NAMES } from '../../src/kernel-log/signature.ts';
import { SIGNATURES } from '../../src/kernel-log/signatures.ts';
import { LINES } from './lines.ts';

test('the table has at least 80 lines, and each signature and era is among them', () => {
  expect(LINES.length).toBeGreaterThanOrEqual(80);
  const ids = LINES.flatMap(({ events }) => events.map(({ id }) => id));
  expect([...new Set(ids)].sort()).toEqual(SIGNATURES.map(({ id }) => id).sort());
  const eras = new Set(LINES.map(({ era }) => era));
  expect([...eras].sort()).toEqual(['2.4', '2.6', '3', '4', '5', '6', 'esx', 'multipathd']);
});

describe('a line is decoded to all of its messages:', () => {
  for (const { line, events, host, kernelSeconds } of LINES) {
    test(line, () => {
      const found = lineEvents(line);
      expect(
        found.map(({ id, fields, detail }) => ({ id, fields, ...(detail === undefined ? {} : { detail }) })),
      ).toEqual(events);
      if (host !== undefined) expect(found[0]?.host).toBe(host);
      if (kernelSeconds !== undefined) expect(found[0]?.kernelSeconds).toBe(kernelSeconds);
    });
  }
});

describe('each signature', () => {
  for (const { id, pattern, needles } of SIGNATURES) {
    test(`${id} has known fields, and its words are long enough to search a file for`, () => {
      const named = [...pattern.source.matchAll(/\(\?<(\w+)>/g)].map((match) => match[1]);
      for (const name of named) expect(FIELD_NAMES).toContain(name);
      for (const needle of needles) expect(needle.replace(/\s/g, '').length).toBeGreaterThanOrEqual(8);
    });
  }

  test('has a name of its own', () => {
    const ids = SIGNATURES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('a text of many lines gives the messages in their order', () => {
  const text = LINES.map(({ line }) => line).join('\n');
  expect(logEvents(text).map(({ id }) => id)).toEqual(
    LINES.flatMap(({ events }) => events.map(({ id }) => id)),
  );
});

describe('what only looks like one is none:', () => {
  const ordinary = [
    'EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)',
    'EXT4-fs (sda1): re-mounted 4f0c r/w. Quota mode: none.',
    'XFS (dm-0): Ending clean mount',
    'systemd[1]: Starting Remount Root and Kernel File Systems...',
    'postgres[812]: ERROR:  could not read block 12: Input/output error',
    'sshd[1]: error: Could not load host key: /etc/ssh/key',
    'mptbase: ioc0: Initiating bringup',
    'device-mapper: multipath: version 1.14.0 loaded',
  ];
  for (const line of ordinary) test(line, () => expect(lineEvents(line)).toEqual([]));
});
