import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/commands.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { writeSmallTree } from '../helpers/small-tree.ts';
import { type Entries, sh, temporary } from '../machine/temporary.ts';

const DRIVER = 'drivers/message/fusion/mptscsih.c';

// What is bound over a decoder notes who runs it.
const NOTES_USER = `#!/bin/sh
id -u >>"$NOTES/users"
exec "$NOTES/real/$(basename "$0")" "$@"
`;
const WATCHED = `for name in xz gzip bzip2 lbzip2 pbzip2 pigz; do
  [ -e "/usr/bin/$name" ] || continue
  cp "/usr/bin/$name" "$1/real/$name"
  sed "s#\\$NOTES#$1#g" "$1/notes" >"$1/watch-$name"
  chmod 755 "$1/watch-$name"
  mount --bind "$1/watch-$name" "/usr/bin/$name"
done
shift
exec "$@"`;

test('check --source as root lets no root unpack what is given', async () => {
  const work = await temporary({ notes: NOTES_USER, 'real/x': '' });
  writeSmallTree(join(work, 'linux-6.1.9'));
  sh(
    'cd "$1"; chmod 777 .; for by in xz gzip bzip2; do tar -cf "tree.tar.$by" --use-compress-program="$by" linux-6.1.9; done',
    work,
  );
  for (const by of ['xz', 'gzip', 'bzip2']) {
    const prefix = ['unshare', '--mount', 'sh', '-ec', WATCHED, 'sh', work];
    const run = await mptfix(['check', '--source', join(work, `tree.tar.${by}`), '--json'], { prefix });
    expect([run.status, run.stderr]).toEqual([10, '']);
    const users = sh('cat "$1/users"; rm "$1/users"', work).split('\n').filter(Boolean).map(Number);
    expect(users.length).toBeGreaterThan(0);
    expect(users.every((uid) => uid > 1000)).toBe(true);
  }
});

describe('check --source names the file that it judged', () => {
  test('in a tarball by its place there, and on the disk by its path', async () => {
    const work = await temporary();
    writeSmallTree(join(work, 'linux-6.1.9'));
    sh('cd "$1"; tar -cf tree.tar linux-6.1.9', work);
    for (const [source, file] of [
      [join(work, 'tree.tar'), `linux-6.1.9/${DRIVER}`],
      [join(work, 'linux-6.1.9'), join(work, 'linux-6.1.9', DRIVER)],
      [join(work, 'linux-6.1.9/drivers/message/fusion'), join(work, 'linux-6.1.9', DRIVER)],
      [join(work, 'linux-6.1.9', DRIVER), join(work, 'linux-6.1.9', DRIVER)],
    ] as const) {
      const run = await mptfix(['check', '--source', source, '--json']);
      expect([run.status, json(run).driver.file]).toEqual([10, file]);
      expect(json(run).evidence[0].file).toBe(file);
    }
  });

  test('and is refused where there are two, which are both named', async () => {
    const work = await temporary();
    writeSmallTree(join(work, 'linux-6.1.9'));
    cpSync(join(work, 'linux-6.1.9'), join(work, 'linux-6.1.8'), { recursive: true });
    sh('cd "$1"; tar -cf both.tar linux-6.1.8 linux-6.1.9', work);
    for (const source of [join(work, 'both.tar'), work]) {
      const run = await mptfix(['check', '--source', source, '--json']);
      expect([run.status, json(run).error.code]).toEqual([3, 'E_DRIVER_NOT_IN_SOURCE']);
      for (const tree of ['linux-6.1.8', 'linux-6.1.9']) expect(json(run).error.what).toContain(tree);
    }
  });
});

/** The command line in backquotes, as a shell takes it. */
function commandIn(next: string): string[] {
  const line = /`([^`]+)`/.exec(next)?.[1] ?? '';
  return sh(`for word in ${line}; do printf '%s\\n' "$word"; done`).trimEnd().split('\n');
}

/** Whether the real command line takes the words; nothing is run. */
async function parses([program, ...words]: readonly string[]): Promise<boolean> {
  let ran = false;
  const line = commandLine(async () => {
    ran = true;
  });
  await line.parseAsync(words, { from: 'user' });
  return ran && program === 'mptfix';
}

describe('AFFECTED and UNKNOWN end with a command to type, for the guest that was looked at:', () => {
  const RELEASE = '2.6.9-42.ELsmp';
  const RHEL4: Entries = {
    'etc/redhat-release': 'Red Hat Enterprise Linux AS release 4 (Nahant Update 4)\n',
  };
  const DRIVER_FOLDER = `lib/modules/${RELEASE}/kernel/drivers/message/fusion`;
  test.each<readonly [string, Entries, number, RegExp]>([
    [
      'a driver that is built in',
      { ...RHEL4, [`boot/config-${RELEASE}`]: 'CONFIG_FUSION=y\n' },
      10,
      /^no module can be replaced: .*mptfix diagnose/,
    ],
    [
      'no file that tells',
      { ...RHEL4, [`lib/modules/${RELEASE}/kernel/fs/ext3.ko`]: 'x' },
      11,
      /\/boot.*mptfix check/,
    ],
  ])('%s', async (_, entries, status, says) => {
    const root = `${await temporary(entries)}/`;
    const run = await mptfix(['check', '--root', root, '--json']);
    const { next } = json(run);
    expect([run.status, next]).toEqual([status, expect.stringMatching(says)]);
    expect(next).toContain(root.slice(0, -1));
    expect(await parses(commandIn(next))).toBe(true);
    const page = await mptfix(['check', '--root', root]);
    expect(page.stdout.trimEnd().split('\n').at(-1)).toBe(`next: ${next}`);
    const table = await mptfix(['check', '--root', root, '--root', '/nothing-here']);
    expect(table.stdout).toContain(`  next: ${next}`);
  });

  test('what needs nothing to be done has none', async () => {
    const fixed = {
      ...RHEL4,
      [`boot/config-${RELEASE}`]: '# CONFIG_FUSION is not set\n',
      [`${DRIVER_FOLDER}/x`]: '',
    };
    const run = await mptfix(['check', '--root', await temporary(fixed), '--json']);
    expect([run.status, json(run).verdict, json(run).next]).toEqual([0, 'absent', undefined]);
  });

  test('also a file that is judged alone', async () => {
    const work = await temporary();
    writeSmallTree(join(work, 'linux'));
    const run = await mptfix(['check', '--source', join(work, 'linux'), '--json']);
    expect(await parses(commandIn(json(run).next))).toBe(true);
  });
});
