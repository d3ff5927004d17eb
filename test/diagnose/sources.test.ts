import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { put, sh, temporary } from '../machine/temporary.ts';
import { diagnosis, logFile } from './diagnosis.ts';
import { DRIVER_BUG, syslog } from './sequences.ts';

test('rotated logs of a tree, packed in four ways, are read in their order across New Year', async () => {
  const one = (text: string) => `${text} guest1 kernel: SCSI error : <0 0 0 0> return code = 0x20008\n`;
  const root = await temporary({
    'var/log/messages': one('Jan 20 01:00:00'),
    'var/log/messages.1': one('Jan 10 01:00:00'),
    'var/log/messages.2': one('Dec 30 01:00:00'),
    'var/log/messages.3': one('Dec 20 01:00:00'),
    'var/log/messages.4': one('Nov 30 01:00:00'),
    'etc/timezone': 'Europe/Berlin\n',
  });
  sh(
    `cd "$1/var/log"; touch -d '2009-01-21' messages; touch -d '2009-01-11' messages.1; touch -d '2009-01-02' messages.2
     touch -d '2008-12-21' messages.3; touch -d '2008-12-01' messages.4
     gzip messages.1; xz messages.2; bzip2 messages.3; zstd -q --rm messages.4`,
    root,
  );
  const found = await diagnosis(['--root', root]);
  const starts = found.incidents.map(({ start }: { start: string }) => start);
  expect(starts).toEqual([
    '2008-11-30T00:00:00.000Z',
    '2008-12-20T00:00:00.000Z',
    '2008-12-30T00:00:00.000Z',
    '2009-01-10T00:00:00.000Z',
    '2009-01-20T00:00:00.000Z',
  ]);
  const names = found.read.map((path: string) => path.replace(/^.*\//, ''));
  expect(names).toEqual(['messages.4.zst', 'messages.3.bz2', 'messages.2.xz', 'messages.1.gz', 'messages']);
});

test('a tree’s journal is read, the kernel’s entries and multipathd’s, and no others', async () => {
  const machine = '0123456789abcdef0123456789abcdef';
  const root = await temporary({ [`var/log/journal/${machine}/x`]: '' });
  const entries = [
    ['kernel', 'kernel', DRIVER_BUG[1]],
    ['syslog', 'multipathd', 'mpatha: remaining active paths: 0'],
    ['stdout', 'myapp', 'Aborting journal on device sda.'],
  ].map(
    ([transport, program, text], index) =>
      `__REALTIME_TIMESTAMP=${1213000000 + index}000000\n__MONOTONIC_TIMESTAMP=${1000 + index}\n` +
      `_BOOT_ID=${machine}\n_MACHINE_ID=${machine}\n_HOSTNAME=guest1\n_TRANSPORT=${transport}\n` +
      `SYSLOG_IDENTIFIER=${program}\nMESSAGE=${text}\n\n`,
  );
  await put(root, { entries: entries.join('') });
  sh(
    '/lib/systemd/systemd-journal-remote -o "$1/var/log/journal/$2/system.journal" "$1/entries" 2>&1',
    root,
    machine,
  );
  const found = await diagnosis(['--root', root]);
  expect(found.read).toEqual(['journald']);
  expect(found.incidents[0]).toMatchObject({
    host: 'guest1',
    start: '2008-06-09T08:26:40.000Z',
    messages: 2,
    reported: false,
  });
  const timeline: { reported: boolean }[] = found.incidents[0].timeline;
  // Of multipathd nothing shows that it was root's.
  expect(timeline.map(({ reported }) => reported)).toEqual([false, true]);
  expect(found.verdict).toBe('this-bug');
});

test('what syslogd did not write again is counted', async () => {
  const text =
    syslog('Jun 12 11:20:', ['end_request: I/O error, dev sda, sector 1']) +
    'Jun 12 11:20:30 guest1 last message repeated 4 times\n' +
    'Jun 12 11:20:31 guest1 sshd[1]: hello\nJun 12 11:20:31 guest1 last message repeated 9 times\n' +
    'Jun 12 11:20:32 guest1 kernel: message repeated 3 times: [ journal commit I/O error]\n';
  const [incident] = (await diagnosis([await logFile(text)])).incidents;
  expect(incident.counts).toEqual({ 'block-error': 5, 'journal-commit-error': 3 });
});

test('a log that is cut in the middle of packing or of a line is read to where it ends', async () => {
  const text = syslog('Jun 12 11:20:', DRIVER_BUG);
  const file = await logFile(text.slice(0, -1));
  expect((await diagnosis([file])).incidents[0].messages).toBe(DRIVER_BUG.length);
  const folder = await temporary({ log: text.repeat(3000) });
  sh('cd "$1"; gzip -1 log; size=$(stat -c %s log.gz); truncate -s $((size / 2)) log.gz', folder);
  const run = await mptfix(['diagnose', '--json', join(folder, 'log.gz')]);
  expect(run.status).toBe(0);
  expect(run.stderr).toMatch(/not read to its end: .*log\.gz/);
  expect(json(run)).toMatchObject({ verdict: 'this-bug', read: [], unread: [{ partly: true }] });
});

describe('a log comes in other ways:', () => {
  test('standard input', async () => {
    const file = await logFile(DRIVER_BUG.join('\n'));
    const redirected = ['sh', '-c', 'file=$0; exec "$@" < "$file"', file];
    const run = await mptfix(['diagnose', '--json', '-'], { prefix: redirected });
    expect(json(run).incidents[0].messages).toBe(10);
  });

  test('journalctl -o export and -o json', async () => {
    const entry = (text: string, at: number) =>
      `__CURSOR=s=${at}\n__REALTIME_TIMESTAMP=${at}000000\n_HOSTNAME=guest1\nMESSAGE=${text}\n\n`;
    const text = DRIVER_BUG.map((message, index) => entry(message, 1213000000 + index)).join('');
    const folder = await temporary({
      export: text,
      json: DRIVER_BUG.map((MESSAGE, index) =>
        JSON.stringify({ MESSAGE, __REALTIME_TIMESTAMP: `${1213000000 + index}000000`, _HOSTNAME: 'guest1' }),
      ).join('\n'),
    });
    for (const name of ['export', 'json']) {
      const [incident] = (await diagnosis([join(folder, name)])).incidents;
      expect(incident).toMatchObject({ start: '2008-06-09T08:26:40.000Z', seconds: 9, messages: 10 });
    }
  });
});

describe('what cannot be read', () => {
  test('is told, and the rest is read', async () => {
    const folder = await temporary({
      good: syslog('Jun 12 11:20:', DRIVER_BUG),
      'cut.gz': 'to be packed '.repeat(9000),
    });
    sh('cd "$1"; mv cut.gz cut; gzip cut; truncate -s -20 cut.gz', folder);
    const run = await mptfix([
      'diagnose',
      '--json',
      join(folder, 'good'),
      join(folder, 'cut.gz'),
      join(folder, 'none'),
    ]);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/not read to its end: .*cut\.gz: gzip ended with status 1/);
    expect(run.stderr).toMatch(/not read: .*none: there is no such file/);
    expect(json(run).incidents).toHaveLength(1);
    expect(json(run).unread).toHaveLength(2);
  });

  test('is an error where there is nothing else', async () => {
    for (const args of [['--root', await temporary({ 'etc/x': '' })], ['/nonexistent/log']]) {
      const run = await mptfix(['diagnose', '--json', ...args]);
      expect(run.status).toBe(3);
      expect(run.stdout).toContain('E_LOG_MISSING');
    }
  });
});

test('a log is not written to', async () => {
  const file = await logFile(syslog('Jun 12 11:20:', DRIVER_BUG));
  const before = await readFile(file);
  await mptfix(['diagnose', file]);
  expect((await readFile(file)).equals(before)).toBe(true);
});
