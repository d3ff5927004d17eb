import { describe, expect, test } from 'vitest';
import { mptfix } from '../helpers/cli.ts';
import { diagnosis, logFile } from './diagnosis.ts';
import { DRIVER_BUG, syslog, WINDOW_USED_UP } from './sequences.ts';

/** Entries of `journalctl -o json`, one a second, as the kernel's own. */
function journal(messages: readonly string[], transport = 'kernel'): string {
  return messages
    .map((MESSAGE, second) =>
      JSON.stringify({
        ...{ MESSAGE, _TRANSPORT: transport, SYSLOG_IDENTIFIER: 'kernel', _HOSTNAME: 'guest1' },
        __REALTIME_TIMESTAMP: `${Date.parse(`2008-06-12T11:20:${String(second).padStart(2, '0')}`)}000`,
      }),
    )
    .join('\n');
}

test('a text file does not show who wrote it, journald’s JSON does', async () => {
  const text = await diagnosis([await logFile(syslog('Jun 12 11:20:', DRIVER_BUG))]);
  const records = await diagnosis([await logFile(journal(DRIVER_BUG))]);
  expect([text, records].map(({ verdict, incidents: [one] }) => [verdict, one.reported])).toEqual([
    ['this-bug', true],
    ['this-bug', false],
  ]);
  for (const [{ incidents }, reported] of [
    [text, true],
    [records, false],
  ])
    for (const entry of incidents[0].timeline) expect(entry.reported).toBe(reported);
});

test('the page says that an incident is only reported', async () => {
  const page = async (text: string) => (await mptfix(['diagnose', await logFile(text)])).stdout;
  expect(await page(syslog('Jun 12 11:20:', DRIVER_BUG))).toMatch(/^ +reported: +nothing shows/m);
  expect(await page(journal(DRIVER_BUG))).not.toMatch(/reported:/);
});

describe('where the kernel surely wrote some of an incident’s messages', () => {
  test('they alone make the verdict', async () => {
    const forged = syslog('Jun 12 11:20:', ['sd 0:0:0:0: SCSI error: return code = 0x00020008']);
    const files = [await logFile(forged), await logFile(journal(WINDOW_USED_UP))];
    const { verdict, incidents } = await diagnosis(files);
    expect([verdict, incidents.length, incidents[0].reported]).toEqual(['window-used-up', 1, false]);
    expect(incidents[0].disks[0].verdict.cause).toBe('window-used-up');
    expect(
      incidents[0].timeline
        .filter(({ reported }: { reported: boolean }) => reported)
        .map(({ text }: { text: string }) => text),
    ).toEqual(['sd 0:0:0:0: SCSI error: return code = 0x00020008']);
  });

  test('the same messages in a text file are the kernel’s, too, and counted once', async () => {
    const files = [await logFile(syslog('Jun 12 11:20:', DRIVER_BUG)), await logFile(journal(DRIVER_BUG))];
    const { incidents } = await diagnosis(files);
    expect([incidents.length, incidents[0].messages, incidents[0].reported]).toEqual([
      1,
      DRIVER_BUG.length,
      false,
    ]);
    expect(incidents[0].verdict.cause).toBe('this-bug');
    for (const { reported } of incidents[0].timeline) expect(reported).toBe(false);
  });
});

test('what users can write makes no incident', async () => {
  const words = [...DRIVER_BUG, ...WINDOW_USED_UP];
  const text = [
    syslog(
      'Jun 12 11:20:',
      words.map((one) => `tmpfs: Unknown parameter '${one}'`),
    ),
    syslog('Jun 12 11:21:', words).replaceAll('kernel:', 'alice:'),
    syslog('Jun 12 11:22:', words).replaceAll('kernel:', 'kern[42]:'),
    words.map((one) => `                 ${one}\n`).join(''),
  ].join('');
  const forged = [
    await logFile(text),
    await logFile(journal(words, 'syslog')),
    await logFile(journal(words, 'stdout')),
  ];
  const verdicts = ['none', 'cannot-tell', 'cannot-tell'];
  for (const [index, file] of forged.entries())
    expect(await diagnosis([file])).toMatchObject({
      verdict: verdicts[index],
      incidents: [],
      recordedErrors: [],
    });
});

test('how often a message came is syslogd’s word alone', async () => {
  const text = [
    'Jun 12 11:20:01 guest1 kernel: end_request: I/O error, dev sda, sector 1',
    "Jun 12 11:20:02 guest1 kernel: tmpfs: Unknown parameter 'last message repeated 900 times'",
    'Jun 12 11:20:03 guest1 kernel: end_request: I/O error, dev sda, sector 1',
    'Jun 12 11:20:04 guest1 last message repeated 2 times',
    '',
  ].join('\n');
  const [incident] = (await diagnosis([await logFile(text)])).incidents;
  expect(incident.counts).toEqual({ 'block-error': 4 });
});
