import { spawnSync } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readInstaller } from '../../../src/bundle/installer.ts';
import { temporary } from '../../machine/temporary.ts';
import { CASES, dmesg } from '../../watch/cases.ts';
import { MOUNT_TABLES } from '../../watch/mount-tables.ts';
import { SHELLS } from '../old-guest.ts';

/** The functions of every bundle: neither what looks at the file itself before them, nor what runs them. */
async function functions(): Promise<string> {
  const text = await readInstaller();
  const [from, to] = [text.indexOf('\n#@FACTS@\n'), text.indexOf('\nmain "$@"\n')];
  return `LC_ALL=C; export LC_ALL\n${text.slice(from, to).replace(/^#@\w+@$/gm, '')}`;
}

/** Runs a script after the bundle's functions, in a folder of its own. */
async function sh(
  [shell = '', ...before]: readonly string[],
  script: string,
  files: Parameters<typeof temporary>[0],
): Promise<string> {
  const folder = await temporary({ ...files, 'script.sh': `${await functions()}\n${script}` });
  for (const name of Object.keys(files ?? {}).filter((path) => path.startsWith('bin/')))
    await chmod(join(folder, name), 0o755);
  const { stdout, stderr } = spawnSync(shell, [...before, 'script.sh'], { cwd: folder, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout;
}

describe.each(SHELLS)('under %s', (_, shell) => {
  test('each guest is judged as mptfix judges it', { timeout: 240_000 }, async () => {
    const guests = [...CASES, ...MOUNT_TABLES];
    const files = guests.flatMap(({ files: own, log = [] }, at) => {
      const raw = log.some((one) => typeof one !== 'string');
      const text = raw ? dmesg(log) : dmesg(log).replace(/^<\d+>/gm, '');
      return [
        ...Object.entries(own).map(([name, entry]) => [`${at}/${name}`, entry] as const),
        [`${at}/raw`, raw ? 'yes' : ''] as const,
        [`${at}/log`, text] as const,
      ];
    });
    const script = `tree= memory= at=0
      dd=false dmesg=./bin/dmesg
      while [ -d $at ]; do
        root=$at; export root
        look; echo "= $at"; lines "$found"; at=$((at + 1))
      done`;
    const said = await sh(shell, script, {
      ...Object.fromEntries(files),
      'bin/dmesg': '#!/bin/sh\n[ $# -eq 0 ] || [ -s $root/raw ] || exit 1\ncat $root/log\n',
    });
    const found = said.split(/^= \d+\n/m).slice(1);
    expect(found).toHaveLength(guests.length);
    const of = (mark: string, lines: string): readonly string[] =>
      lines.split('\n').flatMap((line) => (line.startsWith(`${mark}\t`) ? (line.split('\t')[3] ?? '') : []));
    expect(found.map((lines, at) => [guests[at]?.name, of('A', lines), of('W', lines)])).toEqual(
      guests.map(({ name, alarms = [], warnings = [] }) => [name, alarms, warnings]),
    );
    // Each was looked at with its log.
    expect(found.filter((lines) => !/^L$/m.test(lines))).toEqual([]);
  });

  const TALK: readonly (readonly [name: string, answers: string, status: number, commands: number])[] = [
    ['taken', '220 hi\r\n250 a\r\n250 b\r\n250 c\r\n354 go\r\n250 ok\r\n221 bye\r\n', 0, 6],
    [
      'of many lines',
      '220-hi\r\n220 ho\r\n250-a\r\n250-b\r\n250 c\r\n250\r\n251 c\r\n354 g\r\n250 o\r\n',
      0,
      6,
    ],
    [
      'by telnet',
      'Trying ::1...\nConnected to x.\n220 hi\n250 a\n250 b\n250 c\n354 go\n250 ok\n221 b\n',
      0,
      6,
    ],
    ['no greeting', '', 2, 0],
    ['a greeting that refuses', '554 go away\r\n', 1, 0],
    ['another protocol', `${'SSH-2.0\r\n'.repeat(30)}220 hi\r\n`, 2, 0],
    ['refuses HELO', '220 hi\r\n501 no\r\n250 b\r\n250 c\r\n354 go\r\n250 ok\r\n', 1, 1],
    ['refuses the sender', '220 hi\r\n250 a\r\n550 no\r\n250 c\r\n354 go\r\n250 ok\r\n', 1, 2],
    ['refuses the address', '220 hi\r\n250 a\r\n250 b\r\n450 no\r\n354 go\r\n250 ok\r\n', 1, 3],
    ['refuses the data', '220 hi\r\n250 a\r\n250 b\r\n250 c\r\n250 what\r\n', 1, 4],
    ['refuses the mail', '220 hi\r\n250 a\r\n250 b\r\n250 c\r\n354 go\r\n552 big\r\n', 1, 5],
    ['ends after the mail', '220 hi\r\n250 a\r\n250 b\r\n250 c\r\n354 go\r\n', 1, 5],
    ['a code of four digits', '220 hi\r\n2500 a\r\n2500 b\r\n', 1, 1],
  ];

  test('each answer of a relay is read and counts', { timeout: 240_000 }, async () => {
    const script = `relay=r host=guest.example address=admin@example.org cr=$(printf '\\r')
      warn() { :; }
      for at in ${TALK.map((__, at) => at).join(' ')}; do
        eol=$cr; [ $at != 2 ] || eol=
        dialogue root@guest.example "$eol" <$at 7<letter >said; echo "= $?"; cat said
      done`;
    const said = await sh(shell, script, {
      ...Object.fromEntries(TALK.map(([, answers], at) => [`${at}`, answers])),
      letter: `Subject: x\n\n.\n..\n.x\n${'y'.repeat(3000)}\n`,
    });
    const runs = said.split(/^= /m).slice(1);
    expect(runs.map((run, at) => [TALK[at]?.[0], Number(run.split('\n')[0])])).toEqual(
      TALK.map(([name, , status]) => [name, status]),
    );
    const commands = (run: string): readonly string[] =>
      run.split('\n').filter((line) => /^(HELO|MAIL|RCPT|DATA|\.\r?$|QUIT)/.test(line));
    expect(runs.map((run) => commands(run).length)).toEqual(TALK.map(([, , , count]) => count));
    const [whole = '', , telnet = ''] = runs;
    expect(whole.replace(/^0\n/, '')).toBe(
      [
        'HELO guest.example',
        'MAIL FROM:<root@guest.example>',
        'RCPT TO:<admin@example.org>',
        'DATA',
        ...['Subject: x', '', '..', '...', '..x', 'y'.repeat(990), '.', 'QUIT', ''],
      ].join('\r\n'),
    );
    expect(telnet).not.toContain('\r');
  });
});

test('a log that cannot be read, or a tree, leaves the watch blind; so does a table that is not there', async () => {
  const files = {
    'proc/mounts': '/dev/sda1 / ext3 rw 0 0\n',
    'bin/dmesg': '#!/bin/sh\necho "klogctl: Operation not permitted" >&2\nexit 1\n',
    'none/etc/fstab': '',
  };
  const script = `blindness() {
      root=$1 tree=$2 memory= dd=false dmesg=./bin/dmesg
      look; systems=$(lines "$found" | grep "^F$tab"); choose_blindness; lines "$blind"
    }
    blindness . ''; blindness . .; blindness none ''`;
  const [shell = ['dash']] = SHELLS.map(([, words]) => words);
  const said = (await sh(shell, script, files)).split('\n');
  expect(said.slice(0, 3)).toEqual([
    "the kernel's log cannot be read",
    "a tree has no kernel's log",
    'there is no mount table, or it names no disk',
  ]);
});

test('a watch that cannot tell mails that once, and when it can again', async () => {
  const script = `root=$PWD tree= blind= host=guest.example address=admin@example.org
    memory=memory dd=false dmesg=./bin/dmesg
    deliver() { sed -n '/^Subject/p'; }
    run() { look; systems=$(lines "$found" | grep "^F$tab"); choose_blindness; report_blindness; (tell 1); }
    run; echo =; : >down; run; run; echo =; rm down; run; run`;
  const [, shell = ['dash']] = SHELLS[0] ?? [];
  const said = await sh(shell, script, {
    'proc/mounts': '/dev/sda1 / ext3 rw 0 0\n',
    'bin/dmesg': '#!/bin/sh\n[ ! -e down ]\n',
    'memory/.keep': '',
  });
  expect(said).toBe(
    '=\nSubject: guest.example: cannot tell whether a file system is read-only\n=\nSubject: guest.example: the watch can tell again\n',
  );
});

test('what both watches share is one text', async () => {
  const text = await readInstaller();
  const own = await readFile('src/watch/sh/mptfix-watch.sh', 'utf8');
  const shared = own.slice(own.indexOf('\n#@SHARED@\n') + 11, own.indexOf('\n#@END-SHARED@\n'));
  expect(shared).toContain('weigh() {');
  expect(text).toContain(shared);
  // In the locale of cron a yash reads no other signs, not even in a comment.
  expect(text.match(/^.*[^\n\x20-\x7e\t].*$/m)).toBeNull();
});
