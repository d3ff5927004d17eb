import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readInstaller } from '../../../src/bundle/installer.ts';
import { packBundle } from '../../../src/bundle/pack.ts';
import { initramfsImages } from '../../../src/initramfs/tools.ts';
import { generations } from '../../../src/install/generations.ts';
import { install } from '../../../src/install/install.ts';
import { rootTarget } from '../../../src/machine/tree.ts';
import { silentProgress } from '../../../src/progress.ts';
import { json, mptfix } from '../../helpers/cli.ts';
import { listing } from '../../helpers/listing.ts';
import { ERAS } from '../../initramfs/era-guest.ts';
import { compiledModule } from '../../initramfs/images.ts';
import { installationOf, installed, type SmallGuest, smallGuest } from '../../install/small-guest.ts';
import { sh, temporary } from '../../machine/temporary.ts';
import { type OldGuest, type OldGuestOptions, oldGuest } from '../old-guest.ts';

const SLOW = { timeout: 240_000 };
const RHEL_5 = ERAS[0] as (typeof ERAS)[number];
const { release } = RHEL_5;
const STATE = 'var/lib/mptfix/generations';

interface Answer {
  readonly status: number | null;
  readonly result?: string;
  readonly code?: string;
}

/** Its one line, and how it ended. */
function answer(status: number | null, stdout: string, stderr: string): Answer {
  expect(stdout.trim().split('\n'), stdout + stderr).toHaveLength(1);
  const { result, error } = JSON.parse(stdout);
  return { status, result, code: error?.code };
}

/** A bundle of the module that `installed` installs, run by this machine's sh on the guest's tree. */
async function bundleFor(guest: SmallGuest) {
  const { kernel, module, bytes, artifact, tool } = await installationOf(guest);
  const content = { kernel, architecture: 'x86_64', module, bytes, artifact, reindex: true, tool } as const;
  const file = join(await temporary(), 'bundle.run');
  writeFileSync(file, packBundle(content, await readInstaller()));
  return (...args: readonly string[]): Answer => {
    const { status, stdout, stderr } = spawnSync('sh', [file, ...args, '--root', guest.root, '--json'], {
      encoding: 'utf8',
    });
    return answer(status, stdout, stderr);
  };
}

describe('what mptfix has installed', () => {
  test('the bundle tells of, and puts back with every time', SLOW, async () => {
    const guest = await smallGuest();
    const before = guest.all();
    const bundle = await bundleFor(guest);
    expect(bundle('check')).toMatchObject({ status: 10 });
    await installed(guest);
    expect(bundle('status')).toMatchObject({ status: 0, result: 'installed' });
    expect(bundle('rollback', '--yes')).toMatchObject({ status: 0, result: 'rolled-back' });
    expect(guest.all()).toEqual(before);
    expect(await generations(guest.target)).toMatchObject([{ number: 1, state: 'rolled-back' }]);
  });

  test('and was stopped at any line of its journal, the bundle puts back', SLOW, async () => {
    const guest = await smallGuest();
    const before = guest.all();
    const bundle = await bundleFor(guest);
    for (const lines of [0, 1, 2, 3, 4, 5]) {
      await installed(guest);
      const [generation] = (await generations(guest.target)).toReversed();
      const folder = join(guest.root, generation?.folder ?? '');
      const journal = readFileSync(join(folder, 'journal.ndjson'), 'utf8').split('\n');
      if (lines < 5) sh('rm "$1/manifest.json"', folder);
      // What had not been begun by then had not been changed: here all is, so no fewer than the two intents are left.
      const kept = lines < 4 ? journal.filter((line) => /begin|intent/.test(line)) : journal.slice(0, 5);
      writeFileSync(join(folder, 'journal.ndjson'), `${kept.join('\n')}\n{"time":"2`);
      expect(bundle('status')).toMatchObject({ status: 0, result: 'interrupted' });
      expect(bundle('rollback', '--yes')).toMatchObject({ status: 0, result: 'settled' });
      expect(guest.all()).toEqual(before);
    }
  });
});

const options = async (): Promise<OldGuestOptions> => ({
  tools: ['sha256sum'],
  old: await compiledModule(1),
  bytes: await compiledModule(2),
});

test(
  'on a guest of 2007 each puts back what the other has installed, with images and times',
  SLOW,
  async () => {
    const guest = await oldGuest(RHEL_5, ['dash'], await options());
    const { root, content } = guest;
    const before = guest.all();
    const onTree = ['--root', root, '--kernel', release, '--json'];
    expect(guest.run('apply', '--yes').status).toBe(0);
    expect(json(await mptfix(['status', ...onTree]))).toMatchObject({
      state: 'patched',
      generation: { number: 1 },
      images: [{ path: guest.image, holds: 'same' }],
      interrupted: [],
    });
    expect(json(await mptfix(['rollback', '--yes', ...onTree]))).toMatchObject({
      result: 'rolled-back',
      index: 'restored',
      left: [],
    });
    expect(guest.all()).toEqual(before);
    expect(guest.run('status').stdout).toContain('generation 1: rolled-back');

    const target = rootTarget(root, { dryRun: false });
    const { images } = await initramfsImages(target, release);
    await install(target, {
      ...content,
      placement: 'in-place',
      images: images.flatMap(({ path, tool }) => (tool === undefined ? [] : [{ path, tool }])),
      bootEntry: false,
      buildLog: '',
      warnings: [],
      progress: silentProgress,
    });
    expect(guest.run('status').stdout).toContain('generation 2 is installed');
    expect(guest.run('rollback', '--yes')).toMatchObject({ status: 0, stderr: '' });
    expect(guest.all()).toEqual(before);
    expect(json(await mptfix(['status', ...onTree]))).toMatchObject({
      state: 'original',
      generations: [{ state: 'rolled-back' }, { state: 'rolled-back' }],
    });
  },
);

/** Which paths differ, of those that no run of this bundle may change. */
function strayed(guest: OldGuest, before: readonly string[]): readonly string[] {
  const now = new Set(everything(guest));
  const changed = [
    ...before.filter((line) => !now.has(line)),
    ...[...now].filter((line) => !before.includes(line)),
  ];
  const own = [guest.modulePath.slice(1), guest.image.slice(1), `${guest.image.slice(1)}.mptfix-1`];
  return changed
    .map((line) => line.slice(0, line.indexOf(' ')))
    .filter((path) => !own.includes(path) && !own.some((one) => one.startsWith(`${path}/`)));
}

function everything({ root }: OldGuest): readonly string[] {
  return listing(root, { without: ['var/lib/mptfix', 'var/lib/other', 'proc', 'dev'] }).filter(
    (line) => !/^(?:|var\/lib|var|tmp) /.test(line),
  );
}

interface Installed {
  readonly guest: OldGuest;
  readonly before: readonly string[];
  readonly restore: () => void;
  readonly rollback: () => Answer;
}

/** A guest on which the bundle has installed its module, and which can be made so again. */
async function installedGuest(): Promise<Installed> {
  const guest = await oldGuest(RHEL_5, ['dash'], { tools: ['sha256sum'] });
  expect(guest.run('apply', '--yes').status).toBe(0);
  const saved = await temporary();
  sh('cp -a "$1/boot" "$1/lib" "$1/var" "$1/etc" "$2"', guest.root, saved);
  const restore = (): void => {
    sh(
      'cd "$1"; rm -rf boot lib/modules var; cp -a "$2/lib/modules" lib/; touch -r "$2/lib" lib; cp -a "$2/boot" "$2/var" .',
      guest.root,
      saved,
    );
  };
  restore();
  return {
    guest,
    before: everything(guest),
    restore,
    rollback: () => {
      const { status, stdout, stderr } = guest.run('rollback', '--yes', '--json');
      return answer(status, stdout, stderr);
    },
  };
}

/** What a record might name to lead an undo astray. */
const HOSTILE = [
  '/etc/fstab',
  '/etc',
  '../../../../etc/fstab',
  '/boot/../etc/fstab',
  `/boot/initrd-${release}.img/../../etc/fstab`,
  `/lib/modules/${release}/../../../etc/fstab`,
  `/lib/modules/${release}/modules.dep`,
  '/bin/dash',
  '$(rm /etc/fstab)',
  '`rm /etc/fstab`',
  "'; rm /etc/fstab; '",
  '/boot/* /etc/fstab',
  '-rf',
  '',
  'x\ty',
  'x\nkernel\t2.6',
  '0'.repeat(64),
] as const;

/** Another value for one of the values of a JSON text, or another byte. */
const change = fc.oneof(
  fc.record({ kind: fc.constant('value' as const), at: fc.nat(), to: fc.constantFrom(...HOSTILE) }),
  fc.record({
    kind: fc.constant('value' as const),
    at: fc.nat(),
    to: fc.constantFrom(null, 7, -1, 1e20, [], {}, true),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), to: fc.constant('') }),
  fc.record({
    kind: fc.constant('byte' as const),
    at: fc.nat(),
    to: fc.constantFrom('"', '{', ']', ',', '\\', '\0', '\n'),
  }),
);

function changed(
  text: string,
  { kind, at, to }: { kind: 'value' | 'cut' | 'byte'; at: number; to: unknown },
): string {
  if (kind === 'cut') return text.slice(0, at % text.length);
  if (kind === 'byte')
    return text.slice(0, at % text.length) + String(to) + text.slice((at % text.length) + 1);
  const values = [...text.matchAll(/(?<=[:[,])(?:"[^"]*"|[0-9]+|null)(?=[,}\]])/g)];
  const value = values[at % values.length];
  if (value === undefined) return text;
  return text.slice(0, value.index) + JSON.stringify(to) + text.slice(value.index + value[0].length);
}

test('whatever a state says, an undo changes nothing but what the bundle installs', SLOW, async () => {
  const { guest, before, restore, rollback } = await installedGuest();
  const file = fc.constantFrom('originals.json', 'originals.json', 'journal.ndjson', 'manifest.json');
  fc.assert(
    fc.property(file, change, fc.boolean(), (name, one, isOpen) => {
      restore();
      const folder = join(guest.root, STATE, '1');
      const path = join(folder, name);
      writeFileSync(path, changed(readFileSync(path, 'utf8'), one));
      // Also of a run that seems to be interrupted.
      if (isOpen) writeFileSync(join(folder, 'journal.ndjson'), '{"event":"rolling-back"}\n', { flag: 'a' });
      const { status } = rollback();
      expect([0, 3, 8, 9]).toContain(status);
      expect(strayed(guest, before)).toEqual([]);
      const module = readFileSync(join(guest.root, guest.modulePath), 'utf8');
      expect([`old module ${'x'.repeat(5000)}`, String(guest.content.bytes)]).toContain(module);
    }),
    { numRuns: 40, seed: 15 },
  );
});

test('a state folder that somebody else has made is refused, and nothing changes', SLOW, async () => {
  const { guest, before, restore, rollback } = await installedGuest();
  const mean: readonly (readonly [string, string])[] = [
    ['the state is a link', 'mv ../../mptfix ../../other; ln -s other ../../mptfix'],
    ['the record is a link', 'mv 1/originals.json 1/x; ln -s x 1/originals.json'],
    ['the record is a pipe', 'rm 1/originals.json; mkfifo 1/originals.json'],
    ['the journal is a pipe', 'rm 1/journal.ndjson; mkfifo 1/journal.ndjson'],
    ['the manifest is a folder', 'rm 1/manifest.json; mkdir 1/manifest.json'],
    ['the originals are a link', 'mv 1/originals 1/o; ln -s o 1/originals'],
    ['others may write to it', 'chmod 0777 1'],
    ['it is somebody else’s', 'chown 1000 1'],
    ['the record is somebody else’s', 'chown 1000 1/originals.json'],
    ['the record is large', 'head -c 5000000 /dev/zero | tr "\\\\0" " " >>1/originals.json'],
    ['a number that nobody counted to', 'mkdir -m 700 9999999'],
    ['a number that no shell counts to', 'mkdir -m 700 99999999999999999999999'],
    [
      'its record has another file removed by force',
      `sed 's#"files":[[]{"path":"[^"]*mptscsih.ko","original":{[^}]*},"backup":"mptscsih.ko"}#"files":[{"path":"/etc/fstab","original":null,"backup":null}#' 1/originals.json >x
       grep -q fstab x; cat x >1/originals.json; rm x; echo '{"event":"rolling-back","force":true}' >>1/journal.ndjson`,
    ],
    ['the kept module is a link', 'rm 1/originals/mptscsih.ko; ln -s /etc/fstab 1/originals/mptscsih.ko'],
  ];
  for (const [what, script] of mean) {
    restore();
    sh(`cd "$1"; ${script}`, join(guest.root, STATE));
    const { status, code } = rollback();
    const expected = what.startsWith('the kept') ? [9, 'E_INSTALL_UNDO'] : [3, 'E_STATE_UNSAFE'];
    expect([what, status, code]).toEqual([what, ...expected]);
    expect(strayed(guest, before), what).toEqual([]);
  }
  // What is no generation is nobody's business.
  restore();
  sh('cd "$1"; ln -s /etc 7; : >8; mkdir "9 9" "x\n5"; mkdir -m 700 ..a', join(guest.root, STATE));
  expect(rollback()).toMatchObject({ status: 0, result: 'rolled-back' });
  expect(strayed(guest, before)).toEqual([]);
});
