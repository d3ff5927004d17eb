import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { imageHolds, text } from '../bundle/old-guest.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { type OldSshGuest, oldSshGuest } from '../helpers/old-ssh-guest.ts';
import { sh } from '../machine/temporary.ts';

/** Every program of the guest counts itself, and the one whose number is in `work/cut` cuts the connection before it runs. */
function countPrograms({ root }: OldSshGuest): void {
  const own = {
    wc: sh('readlink -f "$(command -v wc)"').trim(),
    rm: sh('readlink -f "$(command -v rm)"').trim(),
  };
  for (const [name, path] of Object.entries(own)) copyFileSync(path, join(root, 'work', name));
  for (const path of ['bin', 'usr/bin'].flatMap((folder) => elfFiles(root, folder))) {
    const name = basename(path);
    if (name === 'dash') continue;
    const moved = `/work/${path.replaceAll('/', '-')}`;
    renameSync(join(root, path), join(root, moved));
    const lines = [
      '#!/bin/dash',
      `echo ${name} >>/work/count`,
      'if read -r at 2>/dev/null </work/cut; then',
      '  count=$(/work/wc -l </work/count)',
      '  [ "$count" -lt "$at" ] || { /work/rm -f /work/cut; kill -9 "$SSHD"; }',
      'fi',
      `exec ${moved} "$@"`,
    ];
    writeFileSync(join(root, path), `${lines.join('\n')}\n`);
    chmodSync(join(root, path), 0o755);
  }
}

function elfFiles(root: string, folder: string): readonly string[] {
  const paths = readdirSync(join(root, folder)).map((name) => join(folder, name));
  return paths.filter(
    (path) =>
      lstatSync(join(root, path)).isFile() &&
      readFileSync(join(root, path)).subarray(0, 4).toString('latin1') === '\x7fELF',
  );
}

/** The programs that have run since this was asked last, in their order. */
function counted({ root }: OldSshGuest): readonly string[] {
  const file = join(root, 'work/count');
  const names = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  rmSync(file, { force: true });
  return names;
}

/** Waits until nothing runs in the guest any more. */
async function untilQuiet({ root }: OldSshGuest): Promise<void> {
  const isIn = (pid: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/root`) === root;
    } catch {
      return false;
    }
  };
  for (let round = 0; round < 2400; round += 1) {
    if (!readdirSync('/proc').some((name) => /^\d+$/.test(name) && isIn(name))) return;
    await sleep(50);
  }
  throw new Error('something still runs in the guest');
}

/** The tree without what differs from one installation to the next: times, and what an image and the index hold. */
const shape = (guest: OldSshGuest): readonly string[] =>
  guest.all().map((line) => {
    const [path = '', type = '', mode = '', owner = '', , hash = ''] = line.split(' ');
    return [
      path.replace(/mptfix-\d+$/, 'mptfix-N'),
      type,
      mode,
      owner,
      /^boot\/|modules\./.test(path) ? '' : hash,
    ].join(' ');
  });

test('the connection is cut at ten moments of apply: the guest is as before or as after, and the same command goes on', {
  timeout: 600_000,
}, async () => {
  const guest = await oldSshGuest();
  const { ssh, bundle, root } = guest;
  countPrograms(guest);
  const before = guest.all();
  const words = ['apply', ...ssh.words, '--bundle', bundle, '--yes'];
  const rollback = (): void => {
    const { status, stdout, stderr } = guest.run('rollback', '--yes');
    expect(status, `${stdout}${stderr}`).toBe(0);
    expect(guest.all().filter(same)).toEqual(before.filter(same));
    counted(guest);
  };
  const same = (line: string): boolean => !line.startsWith('work');

  counted(guest);
  expect(await mptfix(words)).toMatchObject({ status: 0 });
  const programs = counted(guest);
  const total = programs.length;
  // What is read first, then the folder for the bundle, and from there on the bundle itself.
  const sent = programs.indexOf('mkdir') + 1;
  expect([sent > 2, total > sent + 100]).toEqual([true, true]);
  const moments = [
    2,
    sent,
    ...Array.from({ length: 8 }, (_, at) => sent + Math.ceil(((total - sent) * (at + 0.5)) / 8)),
  ];
  const after = shape(guest);
  const isAfter = async (): Promise<boolean> =>
    (await text(guest, guest.modulePath)) === String(guest.content.bytes);
  rollback();

  const seen = new Set<string>();
  for (const at of moments) {
    writeFileSync(join(root, 'work/cut'), `${at}\n`);
    const cut = await mptfix(words);
    expect(existsSync(join(root, 'work/cut')), `${at} of ${total}: ${cut.stderr}`).toBe(false);
    expect(cut, cut.stderr).toMatchObject({ status: 3 });
    expect(cut.stderr).toContain('E_HOST_LOST');
    expect(cut.stderr).toContain(`mptfix apply --host ${ssh.host} `);
    await untilQuiet(guest);
    counted(guest);
    expect(readdirSync(join(root, 'var/run'))).toEqual([]);
    expect(existsSync(join(root, 'var/lib/mptfix-lock'))).toBe(false);
    const state = (await isAfter()) ? 'after' : 'before';
    seen.add(state);
    if (state === 'before') expect(guest.all().filter(same)).toEqual(before.filter(same));
    else expect(shape(guest).filter(same)).toEqual(after.filter(same));
    expect(await imageHolds(guest, guest.content.bytes)).toBe(state === 'after');

    const again = await mptfix([...words, '--json']);
    expect(again, `${at}: ${again.stderr}`).toMatchObject({ status: 0 });
    expect(json(again).result).toBe(state === 'after' ? 'nothing-to-do' : 'patched');
    expect(shape(guest).filter(same)).toEqual(after.filter(same));
    rollback();
  }
  expect([...seen].toSorted()).toEqual(['after', 'before']);
});
