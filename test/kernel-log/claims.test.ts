import { describe, expect, test } from 'vitest';
import { lineEvents } from '../../src/kernel-log/events.ts';
import { logMarks, reportsTrouble } from '../../src/kernel-log/marks.ts';
import { parseLine } from '../../src/kernel-log/prefix.ts';
import { LINES } from './lines.ts';

/*
 * What any user can have the kernel print beside its own messages (a mount option, a USB device's or a file's name), or
 * a program write to the same log, is no message of the kernel: it does not begin one, or another wrote it.
 */

/** Every message of every era, without what comes before it in a log. */
const MESSAGES = LINES.map(({ line }) => parseLine(line).text.trim());

/** Lines of the kernel with words in them that a user chose. */
const WAYS: Readonly<Record<string, (words: string) => string>> = {
  'a mount option': (words) => `tmpfs: Unknown parameter '${words}'`,
  'a value of one': (words) => `overlay: Bad value for '${words}'`,
  'the name of a USB device': (words) => `usb 1-1: Product: ${words}`,
  'the name of a file': (words) => `a.out[4242]: segfault at 0 ip 0 sp 0 error 4 in ${words}[5581+1000]`,
  'the name of a folder on a disk of a user’s': (words) =>
    `EXT4-fs error (device loop7): ext4_find_entry:1455: inode #2: comm ls: ${words}`,
};

/** How a log holds a line of the kernel. */
const FORMS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  dmesg: (text) => `[   12.345678] ${text}`,
  'dmesg -r': (text) => `<3>[   12.345678] ${text}`,
  '/dev/kmsg': (text) => `3,1,12345678,-;${text.replaceAll('\n', '\\x0a')}`,
  syslog: (text) => `Jul 28 07:12:29 rh5 kernel: ${text}`,
  rsyslog: (text) => `2023-07-28T07:12:29.044219+10:00 linux kernel: [ 1950.957989] ${text}`,
  'journalctl -o json': (text) => JSON.stringify({ MESSAGE: text, _TRANSPORT: 'kernel' }),
};

const found = (line: string): readonly string[] =>
  lineEvents(line)
    .filter(({ fields }) => fields.device !== 'loop7')
    .map(({ id }) => id);

describe.each(Object.entries(WAYS))('by %s', (_, print) => {
  test.each(Object.entries(FORMS))('no message is forged in %s', (__, form) => {
    for (const message of MESSAGES) expect([message, found(form(print(message)))]).toEqual([message, []]);
  });

  test('no mark is', () => {
    for (const message of MESSAGES)
      for (const words of [message, `a\n${message}\nb`]) {
        const marks = logMarks(print(words)).filter(({ device }) => device !== 'loop7');
        expect([words, marks]).toEqual([words, []]);
      }
  });
});

test('words after a line break are no message, neither in a record nor indented below it', () => {
  for (const message of MESSAGES) {
    const record = `tmpfs: Unknown parameter 'a\n${message}\nb'`;
    expect(found(`3,1,12345678,-;${record.replaceAll('\n', '\\x0a')}`)).toEqual([]);
    expect(found(JSON.stringify({ MESSAGE: record, _TRANSPORT: 'kernel' }))).toEqual([]);
    // As dmesg and journalctl print what follows a line break.
    expect(found(`               ${message}`)).toEqual([]);
  }
});

describe('what another program wrote is not the kernel’s:', () => {
  const text = 'EXT4-fs (sda1): Remounting filesystem read-only';
  test.each([
    ['with its name', `Jul 28 07:12:29 rh5 alice: ${text}`],
    ['with its number', `Jul 28 07:12:29 rh5 alice[4242]: ${text}`],
    ['with no name', `Jul 28 07:12:29 rh5 ${text}`],
    ['with the kernel’s name in its words', `Jul 28 07:12:29 rh5 alice: kernel: ${text}`],
    ['with a date like rsyslog’s', `2023-07-28T07:12:29.044219+10:00 linux alice: ${text}`],
    ['in RFC 5424', `<11>1 2023-07-28T07:12:29Z linux alice - - - ${text}`],
    ['with its facility in syslog', `<13>Jul 28 07:12:29 rh5 kernel: ${text}`],
    ['with its facility in dmesg -r', `<12>[   12.345678] ${text}`],
    ['with its facility in dmesg -x', `user  :warn  : [   12.345678] ${text}`],
    ['with its facility in /dev/kmsg', `12,1,12345678,-;${text}`],
    ['with its facility in busybox’s syslog', `Jul 28 07:12:29 box user.notice kernel: ${text}`],
    ['by syslog in journald', JSON.stringify({ MESSAGE: text, _TRANSPORT: 'syslog' })],
    [
      'with the kernel’s name in journald',
      JSON.stringify({ MESSAGE: text, _TRANSPORT: 'stdout', SYSLOG_IDENTIFIER: 'kernel' }),
    ],
    [
      'by /dev/kmsg in journald',
      JSON.stringify({ MESSAGE: text, _TRANSPORT: 'kernel', SYSLOG_FACILITY: '1' }),
    ],
    ['in journald’s export form', `_TRANSPORT=syslog\nMESSAGE=${text}`],
    ['as multipathd', `Jul 28 07:12:29 rh5 multipathd: ${text}`],
  ])('%s', (_, line) => {
    expect(lineEvents(line.startsWith('_') ? `__CURSOR=s\n${line}` : line)).toEqual([]);
  });
});

test('what a log proves, and what it only reports', () => {
  const text = 'EXT4-fs (sda1): Remounting filesystem read-only';
  const writer = (line: string): string => lineEvents(line)[0]?.writer ?? 'not known';
  expect(Object.fromEntries(Object.entries(FORMS).map(([name, form]) => [name, writer(form(text))]))).toEqual(
    {
      ...{ plain: 'not known', dmesg: 'not known', 'dmesg -r': 'not known', syslog: 'not known' },
      ...{ rsyslog: 'not known', '/dev/kmsg': 'kernel', 'journalctl -o json': 'kernel' },
    },
  );
});

describe('a line that went through mail and terminals still begins with its message:', () => {
  const text = 'Aborting journal on device dm-0.';
  test.each([
    `> Jul 28 07:12:29 rh5 kernel: ${text}`,
    `/var/log/messages:12:Jul 28 07:12:29 rh5 kernel: ${text}`,
    `12:Jul 28 07:12:29 rh5 kernel: ${text}`,
    `    ${text}`,
    `\u001b[32m[   12.345678] \u001b[0m\u001b[31m${text}\u001b[0m`,
    `2025 Jun 18 07:17:40.046393 host ERR kernel: ${text}`,
    `Wed Jul 30 00:53:23 2008 kern.err kernel: ${text}`,
    `Jul 28 07:12:29 rh5 kernel: journal commit I/O error Jul 28 07:12:29 rh5 kernel: ${text}`,
  ])('%j', (line) => {
    expect(lineEvents(line).at(-1)).toMatchObject({ id: 'journal-aborted', fields: { device: 'dm-0' } });
  });
});

test('a mail’s lines of the kernel are not filled with what a user had it print', () => {
  expect(reportsTrouble("tmpfs: Unknown parameter 'I/O error, dev sda, sector 1'")).toBe(false);
  expect(reportsTrouble('I/O error, dev sda, sector 266352 op 0x1:(WRITE)')).toBe(true);
});
