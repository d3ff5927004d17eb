import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type MediaSeen, runMedia } from '../../lab/media/media.ts';
import { localTarget } from '../../src/machine/tree.ts';

/*
 * A virtual machine with the distro's own kernel. It has what this machine's may lack: a CD-ROM drive, iso9660, the
 * device-mapper. Its disks hang on the adapter that all this is about, and its ext4 leaves `rw` in the mount table.
 */
const { full, release } = inject('debian');
const FAILING = ['ext3', 'ext4', 'xfs', 'btrfs'];
const MEDIA = ['iso9660', 'squashfs', 'erofs', 'romfs', 'udf'];

let folder: string;
let seen: MediaSeen;
beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/mptfix-media-');
  const limits = { seconds: 540, signal: new AbortController().signal };
  const machine = localTarget({ dryRun: false });
  seen = await runMedia(machine, join(folder, 'machine'), { guest: full, release }, limits);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const documentOf = (name: string) => {
  const found = seen.documents[name];
  if (found === undefined) throw new Error(`the guest told nothing of ${name}`);
  return found;
};
const watched = (moment: string, mountPoint: string) =>
  documentOf(moment).document.fileSystems.find((one: { mountPoints: string[] }) =>
    one.mountPoints.includes(mountPoint),
  );

test('the machine comes to its end, and each of its steps does what it should', () => {
  expect([seen.ended, seen.failed, seen.kernel]).toEqual([true, [], release]);
});

describe('no alarm, by either watch', () => {
  test.each(MEDIA)('%s, a medium that cannot be written', (type) => {
    expect(watched('before', `/media/${type}`)).toMatchObject({
      fsType: type,
      state: 'ok',
      intended: { readOnly: `${type} cannot be written` },
      evidence: [],
    });
  });
  test('ro in fstab, a bind mount, an overlay of what cannot be written', () => {
    expect(watched('before', '/fixed').intended).toEqual({ readOnly: 'ro in fstab, line 5' });
    expect(watched('before', '/bind')).toBe(watched('before', '/data/ext4'));
    const places = ['/fixed', '/bind', '/union'].map((place) => watched('before', place));
    expect(places.map(({ state, evidence }) => [state, evidence])).toEqual([
      ['ok', []],
      ['ok', []],
      ['ok', []],
    ]);
  });
  test('the run as a whole, before any disk failed and after all were repaired', () => {
    // The four that can be read and have a file; udf's has none.
    expect(seen.read).toBe('4 of a medium');
    for (const moment of ['before', 'after']) {
      expect([moment, documentOf(moment).status]).toEqual([moment, 0]);
      expect(seen.shell[moment]).toEqual({ status: 0, places: [] });
      const probes = FAILING.map((type) => watched(moment, `/data/${type}`).probe);
      expect(probes).toEqual(FAILING.map(() => 'ok'));
    }
  });
});

describe('a user who has the kernel print its own words', () => {
  const all = FAILING.map((type) => `/data/${type}`).sort();
  test('is heard by the kernel', () => {
    expect(seen.forged).toBe('24 by mount, 12 by /dev/kmsg');
  });
  test('raises no alarm, by either watch', () => {
    expect(documentOf('forged').status).toBe(0);
    expect(FAILING.map((type) => watched('forged', `/data/${type}`).evidence)).toEqual(FAILING.map(() => []));
    for (const name of ['forged', 'forged-records'])
      expect([name, seen.shell[name]]).toEqual([name, { status: 0, places: [] }]);
  });
  test('makes no incident', () => {
    expect(documentOf('forged-diagnose').document).toMatchObject({ verdict: 'none', incidents: [] });
  });
  test('clears no alarm, by either watch', () => {
    expect(documentOf('cleared').status).toBe(10);
    expect(FAILING.filter((type) => watched('cleared', `/data/${type}`).state === 'ok')).toEqual([]);
    for (const name of ['cleared', 'cleared-records'])
      expect([name, seen.shell[name]]).toEqual([name, { status: 1, places: all }]);
  });
});

describe.each([
  { type: 'ext3', table: 'rw', state: 'read-only', gone: 'aborted', kinds: ['ext4-errors', 'kernel-log'] },
  { type: 'ext4', table: 'rw', state: 'read-only', gone: 'aborted', kinds: ['ext4-errors', 'kernel-log'] },
  { type: 'xfs', table: 'rw', state: 'shut-down', gone: 'shutdown', kinds: ['kernel-log'] },
  { type: 'btrfs', table: 'ro', state: 'read-only', gone: 'shutdown', kinds: ['mount-table', 'kernel-log'] },
])('$type on a logical volume whose disk fails', ({ type, table, state, gone, kinds }) => {
  const place = `/data/${type}`;
  const earlier = FAILING.slice(0, FAILING.indexOf(type));

  test(`the kernel’s mount table says ${table}`, () => {
    expect(seen.mounted[type]).toMatch(new RegExp(`^/dev/mapper/vg0-${type} ${place} ${type} ${table},`));
  });
  test('is found by the next run of either watch, and it alone is new', () => {
    expect(documentOf(type).status).toBe(10);
    const found = watched(type, place);
    expect([found.state, found.mapper]).toEqual([state, `vg0-${type}`]);
    expect(found.evidence.map(({ kind }: { kind: string }) => kind)).toEqual(kinds);
    const others = FAILING.filter((one) => watched(type, `/data/${one}`).state !== 'ok');
    expect(others).toEqual([...earlier, type]);
    const places = [...earlier, type].map((one) => `/data/${one}`);
    expect(seen.shell[type]).toEqual({ status: 1, places: places.sort() });
  });
  test('is a device-mapper device with a name and a place to diagnose', () => {
    const [incident] = documentOf('diagnose').document.incidents;
    const hit = incident.deviceMapper.find(({ name }: { name: string }) => name === `vg0-${type}`);
    expect(hit).toEqual({
      device: expect.stringMatching(/^dm-\d$/),
      name: `vg0-${type}`,
      on: [expect.stringMatching(/^sd[a-d]$/)],
    });
    const places = incident.fileSystems.filter(
      ({ mountPoint }: { mountPoint: string | null }) => mountPoint === place,
    );
    expect(places).toEqual([{ device: hit.device, mountPoint: place, effect: expect.any(String) }]);
  });
  test('recover refuses to remount it, also once the disk answers again', () => {
    for (const moment of ['away', 'recover']) {
      const found = documentOf(moment).document.fileSystems.find(
        ({ mountPoint }: { mountPoint: string }) => mountPoint === place,
      );
      if (moment === 'recover') expect(found.state).toBe(gone);
      expect(found.remountRefused).not.toEqual([]);
      const commands = found.steps.flatMap((step: { commands: string[][] }) => step.commands);
      expect(commands.filter((argv: string[]) => argv.join(' ').includes('remount'))).toEqual([]);
    }
  });
});

test('harden reads the timeout of real SCSI disks on the adapter', () => {
  const { disks } = documentOf('harden').document;
  expect(disks.slice(0, 4)).toEqual(
    ['sda', 'sdb', 'sdc', 'sdd'].map((name) =>
      expect.objectContaining({ name, bus: 'scsi', driver: 'mptsas', timeoutSeconds: 30 }),
    ),
  );
});
