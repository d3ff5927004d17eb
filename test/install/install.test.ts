import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { depmodOutputs, isDepmodOutput } from '../../src/install/depmod.ts';
import { generations } from '../../src/install/generations.ts';
import { install } from '../../src/install/install.ts';
import { manifestSchema } from '../../src/install/manifest.ts';
import { recordFile, sameRecord } from '../../src/machine/record.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { filesOf } from '../../src/transaction/steps.ts';
import { readTransaction } from '../../src/transaction/store.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, put, sh } from '../machine/temporary.ts';
import { addModule, installationOf, installed, MODULE, MODULES, RELEASE, smallGuest } from './small-guest.ts';

describe('an installation', () => {
  test('puts the new bytes in place with the old mode and owner, and enters them into the index', async () => {
    const guest = await smallGuest();
    const wanted = await installationOf(guest);
    const manifest = await install(guest.target, wanted);
    const status = statSync(join(guest.root, MODULE));
    expect(readFileSync(join(guest.root, MODULE)).equals(Buffer.from(wanted.bytes))).toBe(true);
    expect([status.mode & 0o7777, status.uid, status.gid]).toEqual([0o640, 123, 456]);
    const index = readFileSync(join(guest.root, MODULES, 'modules.dep'), 'utf8');
    expect(index).toMatch(/^kernel\/drivers\/message\/fusion\/mptscsih\.ko: .*mptbase\.ko$/m);
    expect(manifest.module.before).toMatchObject({ mode: '0640', uid: 123, mtime: '1234567890.123456789' });
    expect(manifest.module.after).toEqual(await recordFile(guest.target, MODULE));
  });

  test('keeps every original and what was done, for root alone', async () => {
    const guest = await smallGuest();
    const before = readFileSync(join(guest.root, MODULE));
    const manifest = await installed(guest);
    const state = join(guest.root, 'var/lib/mptfix');
    const folder = join(state, 'generations/1');
    const modes = [state, join(state, 'generations'), folder, join(folder, 'originals')].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o700]);
    for (const name of ['manifest.json', 'originals.json', 'journal.ndjson', 'build.log'])
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'originals/mptscsih.ko')).equals(before)).toBe(true);
    expect(readFileSync(join(folder, 'build.log'), 'utf8')).toBe('what make said\n');
    const written: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    expect(v.parse(manifestSchema, written)).toEqual(manifest);
    const transaction = await readTransaction(guest.target, 'install', 1);
    const files = transaction?.steps.flatMap(filesOf) ?? [];
    expect(files.map(({ path }) => path)).toEqual([MODULE, ...depmodOutputs(RELEASE)]);
    const events = readFileSync(join(folder, 'journal.ndjson'), 'utf8').trim().split('\n');
    const told = events
      .map((line) => JSON.parse(line))
      .map(({ event, kind }) => [event, kind].join(' ').trim());
    expect(told).toEqual([
      'begin',
      'intent module',
      'done module',
      'intent index',
      'done index',
      'committed',
    ]);
    // Whoever puts it back by hand finds in the journal from where.
    expect(JSON.parse(events[1] ?? '').undo).toEqual([
      { path: MODULE, restore: '/var/lib/mptfix/generations/1/originals/mptscsih.ko' },
    ]);
  });

  test('changes nothing else on the guest', async () => {
    const guest = await smallGuest();
    const before = new Set(guest.all());
    await installed(guest);
    const changed = guest
      .all()
      .slice(0, -1)
      .filter((line) => !before.has(line));
    const names = changed.map((line) => `/${line.split(' ')[0]}`);
    const expected = new Set([MODULE, MODULES, MODULE.replace(/\/[^/]*$/, ''), ...depmodOutputs(RELEASE)]);
    expect(names.filter((name) => !expected.has(name))).toEqual([]);
    expect(names).toContain(MODULE);
  });
});

test('real depmod writes no file that is not known as one of its own', async () => {
  const guest = await smallGuest();
  const names = (await guest.target.list(MODULES)).filter((name) => name.startsWith('modules.'));
  const given = ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'];
  expect(names.filter((name) => !given.includes(name) && !isDepmodOutput(name))).toEqual([]);
  expect(names.length).toBeGreaterThan(8);
  expect(given.some(isDepmodOutput)).toBe(false);
});

describe('where it fails, everything is put back, and no state is left:', () => {
  test('depmod cannot write', async () => {
    const guest = await smallGuest();
    rmSync(join(guest.root, MODULES, 'modules.symbols.bin'));
    mkdirSync(join(guest.root, MODULES, 'modules.symbols.bin/in-the-way'), { recursive: true });
    const before = listing(guest.root);
    const { code, what } = await failureOf(installed(guest));
    expect([code, what]).toEqual(['E_INSTALL', expect.stringContaining('depmod failed')]);
    expect(listing(guest.root)).toEqual(before);
  });

  test('another copy of the module would be loaded in its place', async () => {
    const guest = await smallGuest();
    addModule(guest, `${MODULES}/updates/mptscsih.ko`, 'mptscsih');
    const before = listing(guest.root);
    const { code, what, next } = await failureOf(installed(guest));
    expect([code, what, next]).toEqual([
      'E_INSTALL',
      expect.stringContaining(`${MODULES}/updates/mptscsih.ko`),
      expect.stringContaining('updates/'),
    ]);
    expect(listing(guest.root)).toEqual(before);
  });

  test('the run is stopped before the first change', async () => {
    const guest = await smallGuest();
    const before = listing(guest.root);
    const wanted = { ...(await installationOf(guest)), signal: AbortSignal.abort(new Error('stopped')) };
    const { code, what } = await failureOf(install(guest.target, wanted));
    expect([code, what]).toEqual(['E_INSTALL', expect.stringContaining('stopped')]);
    expect(listing(guest.root)).toEqual(before);
  });

  test('the second installation leaves the first one in force', async () => {
    const guest = await smallGuest();
    await installed(guest);
    const before = listing(guest.root, { without: ['var/lib/mptfix/generations'] });
    const wanted = { ...(await installationOf(guest, 3)), signal: AbortSignal.abort() };
    await failureOf(install(guest.target, wanted));
    expect(listing(guest.root, { without: ['var/lib/mptfix/generations'] })).toEqual(before);
    expect((await generations(guest.target)).map(({ number, state }) => [number, state])).toEqual([
      [1, 'installed'],
    ]);
  });
});

describe('nothing is begun', () => {
  test('where the module is not the one that was checked', async () => {
    const guest = await smallGuest();
    const wanted = await installationOf(guest);
    writeFileSync(join(guest.root, MODULE), 'another');
    const before = listing(guest.root);
    expect((await failureOf(install(guest.target, wanted))).code).toBe('E_FILE_CHANGED');
    rmSync(join(guest.root, MODULE));
    expect((await failureOf(install(guest.target, wanted))).code).toBe('E_FILE_CHANGED');
    await put(guest.root, { [MODULE]: 'another' });
    expect(listing(guest.root)).toHaveLength(before.length);
  });

  test('in a dry run', async () => {
    const guest = await smallGuest();
    const before = listing(guest.root);
    const dry = rootTarget(guest.root, { dryRun: true });
    const wanted = await installationOf(guest);
    expect((await failureOf(install(dry, wanted))).code).toBe('E_DRY_RUN');
    expect(listing(guest.root)).toEqual(before);
  });
});

test('what cannot be put back is E_INSTALL_UNDO and names where the originals are', async () => {
  const guest = await smallGuest();
  const wanted = await installationOf(guest);
  const { target } = guest;
  // The disk turns read-only under the module once it is replaced, as after a path failure.
  const folder = join(guest.root, MODULE, '..');
  let isBroken = false;
  const failing = {
    ...target,
    run: async (...[argv, options]: Parameters<typeof target.run>) => {
      if (argv[0] === 'depmod' && !isBroken) {
        isBroken = true;
        sh(
          'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; mount -t tmpfs -o ro tmpfs "$2"',
          folder,
          folder,
        );
      }
      return target.run(argv, options);
    },
  };
  try {
    const { code, what, next } = await failureOf(install(failing, wanted));
    expect(code).toBe('E_INSTALL_UNDO');
    expect(what).toMatch(/the installation failed \(.*\), and putting things back failed too \(.*\)/s);
    expect(next).toContain('/var/lib/mptfix/generations/1/originals');
  } finally {
    sh('umount "$1" && umount "$1"', folder);
  }
  expect((await generations(target)).map(({ state }) => state)).toEqual(['open']);
});

test('records are the same only where content, mode, owner and time are', async () => {
  const guest = await smallGuest();
  const one = await recordFile(guest.target, MODULE);
  expect(one).toMatchObject({
    path: MODULE,
    mode: '0640',
    uid: 123,
    gid: 456,
    mtime: '1234567890.123456789',
  });
  expect([sameRecord(one, one), sameRecord(undefined, undefined), sameRecord(one, undefined)]).toEqual([
    true,
    true,
    false,
  ]);
  for (const change of ['chmod 0641', 'chown 124', 'chgrp 457', 'touch -d @1', 'cp /etc/hostname']) {
    sh(`${change} "$1"`, join(guest.root, MODULE));
    const now = await recordFile(guest.target, MODULE);
    expect(sameRecord(one, now)).toBe(false);
  }
  expect(await recordFile(guest.target, MODULES)).toBe(undefined);
});
