import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backUp } from '../../src/install/backup.ts';
import { runDepmod } from '../../src/install/depmod.ts';
import { finishOpen } from '../../src/install/rollback.ts';
import { generationFolder, generations, journal } from '../../src/install/state.ts';
import { undo } from '../../src/install/undo.ts';
import { makeFolders } from '../../src/target/folders.ts';
import {
  installationOf,
  installed,
  MODULE,
  MODULES,
  RELEASE,
  type SmallGuest,
  smallGuest,
} from './small-guest.ts';

const FOLDER = generationFolder(1);

async function backedUp(guest: SmallGuest): Promise<void> {
  await makeFolders(guest.target, FOLDER, 0o700);
  await backUp(guest.target, 1, RELEASE, MODULE);
}

async function begun(guest: SmallGuest): Promise<void> {
  await backedUp(guest);
  await journal(guest.target, 1, 'begin');
}

async function replaced(guest: SmallGuest): Promise<void> {
  await begun(guest);
  await guest.target.write(MODULE, (await installationOf(guest)).bytes, { mode: 0o640, uid: 123, gid: 456 });
}

/** All of it was done, but for the journal's last line. */
async function unsaid(guest: SmallGuest): Promise<void> {
  await installed(guest);
  const path = join(guest.root, FOLDER, 'journal.ndjson');
  const [begin = ''] = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, `${begin}\n`);
}

async function rollingBack(guest: SmallGuest): Promise<void> {
  await installed(guest);
  await journal(guest.target, 1, 'rolling-back');
}

/** What a run that was killed at one moment has left. */
const MOMENTS: Readonly<Record<string, (guest: SmallGuest) => Promise<void>>> = {
  'with the originals kept, and nothing in the journal': backedUp,
  'after the journal’s first line': begun,
  'while the module was written': async (guest) => {
    await begun(guest);
    await guest.target.write(`${MODULE}/../.mptscsih.ko.mptfix-00112233aabb.tmp`, 'half of it');
  },
  'after the module was replaced': replaced,
  'while depmod wrote': async (guest) => {
    await replaced(guest);
    writeFileSync(join(guest.root, MODULES, 'modules.dep'), 'half an ind');
    writeFileSync(join(guest.root, MODULES, 'modules.alias.4999999.1.2'), '');
  },
  'after depmod': async (guest) => {
    await replaced(guest);
    await runDepmod(guest.target, RELEASE);
  },
  'after the manifest': unsaid,
  'in the middle of the journal’s last line': async (guest) => {
    await unsaid(guest);
    await guest.target.append(`${FOLDER}/journal.ndjson`, '{"time":"2024-01-01T00:00:00.000Z","event":"inst');
  },
  'as it began to roll back': rollingBack,
  'while it rolled back, with the module in place again': async (guest) => {
    await rollingBack(guest);
    await guest.target.copy(`${FOLDER}/originals/mptscsih.ko`, MODULE);
  },
  'while it rolled back, with half of the index in place again': async (guest) => {
    await rollingBack(guest);
    await guest.target.copy(`${FOLDER}/originals/mptscsih.ko`, MODULE);
    await guest.target.copy(`${FOLDER}/originals/modules.alias`, `${MODULES}/modules.alias`);
  },
  'while it copied an original back': async (guest) => {
    await rollingBack(guest);
    const temporary = join(guest.root, MODULES, '.modules.dep.mptfix-00112233aabb.tmp');
    copyFileSync(join(guest.root, FOLDER, 'originals/modules.dep'), temporary);
  },
  'after it rolled back, and before it said so': async (guest) => {
    await rollingBack(guest);
    const [generation] = await generations(guest.target);
    if (generation !== undefined) await undo(guest.target, generation);
  },
};

describe('a run that was killed is put back by the next one, byte for byte:', () => {
  for (const [moment, leave] of Object.entries(MOMENTS)) {
    test(moment, async () => {
      const guest = await smallGuest();
      const before = guest.all();
      await leave(guest);
      expect((await generations(guest.target)).map(({ state }) => state)).toEqual(['open']);
      expect(await finishOpen(guest.target)).toEqual([1]);
      expect(guest.all()).toEqual(before);
      expect((await generations(guest.target)).map(({ state }) => state)).toEqual(['rolled-back']);
      expect(await finishOpen(guest.target)).toEqual([]);
      expect((await installed(guest, 5)).generation).toBe(2);
    });
  }
});

describe('a run that was killed before the originals were whole has changed nothing:', () => {
  for (const [moment, leave] of [
    ['with the folder alone', (guest) => makeFolders(guest.target, FOLDER, 0o700)],
    [
      'with some originals',
      async (guest) => {
        await makeFolders(guest.target, `${FOLDER}/originals`, 0o700);
        await guest.target.copy(MODULE, `${FOLDER}/originals/mptscsih.ko`);
      },
    ],
  ] as readonly [string, (guest: SmallGuest) => Promise<unknown>][]) {
    test(`${moment}; its number is used again`, async () => {
      const guest = await smallGuest();
      const before = guest.all();
      await leave(guest);
      expect([await generations(guest.target), await finishOpen(guest.target)]).toEqual([[], []]);
      expect(guest.all()).toEqual(before);
      expect((await installed(guest)).generation).toBe(1);
    });
  }
});
