import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/hash.ts';
import { runDepmod } from '../../src/install/depmod.ts';
import { generationFolder, generations } from '../../src/install/generations.ts';
import { type PlannedInstallation, planInstallation } from '../../src/install/install.ts';
import { installUser } from '../../src/install/user.ts';
import { makeFolders } from '../../src/machine/folders.ts';
import { begin } from '../../src/transaction/perform.ts';
import { enterState } from '../../src/transaction/state-folders.ts';
import { journal } from '../../src/transaction/store.ts';
import { undoSteps } from '../../src/transaction/undo.ts';
import { finishOpen } from '../faults/finish-open.ts';
import { failureOf } from '../machine/temporary.ts';
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

async function backedUp(guest: SmallGuest): Promise<PlannedInstallation> {
  const planned = await planInstallation(guest.target, await installationOf(guest));
  const entered = await enterState(guest.target, 'install');
  // The journal's first line is what `begin` ends with.
  const target = { ...guest.target, append: async () => {} };
  await begin(target, 'install', { number: 1, entered, kernel: RELEASE, planned: planned.steps });
  return planned;
}

async function begun(guest: SmallGuest): Promise<PlannedInstallation> {
  const planned = await backedUp(guest);
  await journal(guest.target, FOLDER, 'begin');
  return planned;
}

async function intended(guest: SmallGuest): Promise<void> {
  const { steps } = await begun(guest);
  const becomes = { [MODULE]: sha256(steps[0]?.content ?? '') };
  await journal(guest.target, FOLDER, 'intent', { step: 0, kind: 'module', becomes });
}

async function replaced(guest: SmallGuest): Promise<void> {
  await intended(guest);
  await guest.target.write(MODULE, (await installationOf(guest)).bytes, { like: MODULE });
}

async function indexing(guest: SmallGuest): Promise<void> {
  await replaced(guest);
  await journal(guest.target, FOLDER, 'done', { step: 0, kind: 'module' });
  await journal(guest.target, FOLDER, 'intent', { step: 1, kind: 'index' });
}

/** All of it was done, but for the journal's last line. */
async function unsaid(guest: SmallGuest): Promise<void> {
  await installed(guest);
  const path = join(guest.root, FOLDER, 'journal.ndjson');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  writeFileSync(path, `${lines.slice(0, -1).join('\n')}\n`);
}

async function rollingBack(guest: SmallGuest): Promise<void> {
  await installed(guest);
  await journal(guest.target, FOLDER, 'rolling-back');
}

/** What a run that was killed at one moment has left. */
const MOMENTS: Readonly<Record<string, (guest: SmallGuest) => Promise<unknown>>> = {
  'with the originals kept, and nothing in the journal': backedUp,
  'after the journal’s first line': begun,
  'after the first step’s intent': intended,
  'while the module was written': async (guest) => {
    await intended(guest);
    await guest.target.write(`${MODULE}/../.mptscsih.ko.mptfix-00112233aabb.tmp`, 'half of it');
  },
  'after the module was replaced': replaced,
  'while depmod wrote': async (guest) => {
    await indexing(guest);
    // As depmod does it: to another name, then renamed.
    writeFileSync(join(guest.root, MODULES, 'new'), 'another index');
    renameSync(join(guest.root, MODULES, 'new'), join(guest.root, MODULES, 'modules.dep'));
    writeFileSync(join(guest.root, MODULES, 'modules.alias.4999999.1.2'), '');
  },
  'after depmod': async (guest) => {
    await indexing(guest);
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
    if (generation !== undefined) await undoSteps(guest.target, installUser, generation.transaction);
  },
};

describe('a run that was killed is put back by the next one, byte for byte:', () => {
  for (const [moment, leave] of Object.entries(MOMENTS)) {
    test(moment, async () => {
      const guest = await smallGuest();
      const before = guest.all();
      await leave(guest);
      expect((await generations(guest.target)).map(({ state }) => state)).toEqual(['open']);
      expect((await finishOpen(guest.target)).map(({ generation }) => generation)).toEqual([1]);
      expect(guest.all()).toEqual(before);
      expect((await generations(guest.target)).map(({ state }) => state)).toEqual(['rolled-back']);
      expect(await finishOpen(guest.target)).toEqual([]);
      expect((await installed(guest, 5)).generation).toBe(2);
    });
  }
});

test('an index whose kept copy was spoilt is built anew', async () => {
  const guest = await smallGuest();
  const module = readFileSync(join(guest.root, MODULE));
  await indexing(guest);
  // A program that writes in place: the kept copy is the same file.
  writeFileSync(join(guest.root, MODULES, 'modules.dep'), 'half an ind');
  expect((await finishOpen(guest.target)).map(({ undone }) => undone.index)).toEqual(['index rebuilt']);
  expect(readFileSync(join(guest.root, MODULE)).equals(module)).toBe(true);
  const index = readFileSync(join(guest.root, MODULES, 'modules.dep'), 'utf8');
  expect(index).toMatch(/^kernel\/drivers\/message\/fusion\/mptscsih\.ko: .*mptbase\.ko$/m);
});

test('a module whose kept copy was spoilt is an error that names it, and nothing is overwritten', async () => {
  const guest = await smallGuest();
  await replaced(guest);
  const path = join(guest.root, FOLDER, 'originals/mptscsih.ko');
  writeFileSync(path, 'not the original');
  const before = guest.modules();
  const { code, what } = await failureOf(finishOpen(guest.target));
  expect([code, what]).toEqual(['E_INSTALL_UNDO', expect.stringContaining('originals/mptscsih.ko')]);
  expect(guest.modules()).toEqual(before);
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
