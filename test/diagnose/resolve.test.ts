import { expect, test } from 'vitest';
import type { Incident } from '../../src/diagnose/incident.ts';
import { liveNames, withNames } from '../../src/diagnose/resolve.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { temporary } from '../machine/temporary.ts';

const NOTHING: Incident = {
  host: null,
  start: null,
  end: null,
  seconds: null,
  verdict: { cause: 'other', certainty: 'likely', evidence: [] },
  hypervisor: false,
  volumes: [],
  doubts: [],
  kernel: null,
  adapters: [],
  disks: [],
  deviceMapper: [],
  fileSystems: [],
  counts: {},
  messages: 0,
  reported: false,
  firstLogged: null,
  lastLogged: null,
  timeline: [],
  timelineCut: 0,
  sources: [],
};

/** A machine with btrfs on a logical volume: its mounts have a number that belongs to no block device. */
const MACHINE = {
  'proc/partitions':
    'major minor  #blocks  name\n\n   8        0     131072 sda\n 254        3     131072 dm-3\n',
  'proc/1/mountinfo': '34 1 0:22 / /data rw,relatime - btrfs /dev/mapper/vg0-data rw,subvolid=5,subvol=/\n',
  'sys/block/dm-3/dm/name': 'vg0-data\n',
  'sys/block/dm-3/slaves/sda': '',
};

test('a file system that messages call by two names of its device is one, at its place, with the graver effect', async () => {
  const target = rootTarget(await temporary(MACHINE), { dryRun: true });
  const incident: Incident = {
    ...NOTHING,
    fileSystems: [
      { device: 'mapper/vg0-data', mountPoint: null, effect: 'error' },
      { device: 'dm-3', mountPoint: null, effect: 'read-only' },
      { device: 'sdx', mountPoint: null, effect: 'error' },
      { device: null, mountPoint: null, effect: 'journal-aborted' },
    ],
    deviceMapper: [{ device: 'dm-3', name: null, on: [] }],
  };
  const { fileSystems, deviceMapper } = await withNames(incident, await liveNames(target));
  expect(fileSystems).toEqual([
    { device: 'dm-3', mountPoint: '/data', effect: 'read-only' },
    { device: 'sdx', mountPoint: null, effect: 'error' },
    { device: null, mountPoint: null, effect: 'journal-aborted' },
  ]);
  expect(deviceMapper).toEqual([{ device: 'dm-3', name: 'vg0-data', on: ['sda'] }]);
});
