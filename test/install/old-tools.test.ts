import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { indexFiles, indexTools } from '../../src/guest/index/tools.ts';
import { depmodOutputs } from '../../src/install/depmod.ts';
import { generations } from '../../src/install/generations.ts';
import { requireReadableIndex } from '../../src/install/indexing.ts';
import { install } from '../../src/install/install.ts';
import { rollback } from '../../src/install/rollback.ts';
import { guestStatus } from '../../src/status/status.ts';
import { readTransaction } from '../../src/transaction/store.ts';
import { finishOpen } from '../faults/finish-open.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, put, sh } from '../machine/temporary.ts';
import { makeForeign, type OldGuest, oldGuest, putOldTools } from './old-guest.ts';

/** By the guest's own modprobe's way of reading: the driver, then what it needs. */
async function readAsGuest({ target, release }: OldGuest) {
  const tools = await indexTools(target, release);
  if ('problem' in tools) throw new Error(tools.problem);
  return tools.form.read(await indexFiles(target, release), 'mptscsih');
}

const names = ({ module }: OldGuest) => ({ file: module, needs: [module.replace('mptscsih', 'mptbase')] });

async function rollBack(guest: OldGuest): Promise<void> {
  for (const generation of (await generations(guest.target)).toReversed())
    await rollback(guest.target, generation);
}

const kinds = async ({ target }: OldGuest) => {
  const done = await readTransaction(target, 'install', 1);
  return done?.steps.map(({ kind }) => kind);
};

/** Makes the program write, or print, what it does, and then also `more`. */
function extend({ root }: OldGuest, name: string, more: string): void {
  const path = join(root, 'sbin', name);
  writeFileSync(path, `${readFileSync(path, 'utf8')}${more}\n`);
  chmodSync(path, 0o755);
}

describe('where the index fits the new module as it is, it stays byte for byte, with its times:', () => {
  test.each(['module-init-tools', 'modutils'] as const)('%s', async (era) => {
    const guest = await oldGuest(era);
    const before = listing(guest.root);
    const index = () => listing(join(guest.root, guest.folder)).filter((line) => /^modules\./.test(line));
    const untouched = index();
    expect(await readAsGuest(guest)).toEqual(names(guest));
    const manifest = await install(guest.target, await guest.installation('same'));
    expect(index()).toEqual(untouched);
    expect(await readAsGuest(guest)).toEqual(names(guest));
    expect(manifest.outcome.join('\n')).toMatch(
      /the module index was left as it is: [\s\S]*as (module-init-tools before 3\.5|modutils) reads it, the index leads to \S+, and 1 that it needs[\s\S]*the guest’s own modprobe was not asked/,
    );
    expect(await kinds(guest)).toEqual(['module']);
    await rollBack(guest);
    expect(
      listing(guest.root, { without: ['var/lib/mptfix'] }).filter((line) => !line.startsWith('var/lib ')),
    ).toEqual(before.filter((line) => !line.startsWith('var/lib ')));
  });

  test('and the guest’s own modprobe is asked', async () => {
    const guest = await oldGuest('module-init-tools');
    await putOldTools(guest);
    const { outcome } = await install(guest.target, await guest.installation('same'));
    expect(outcome).toContain(`the guest’s own modprobe would load ${guest.module}`);
    expect(outcome.join('\n')).toContain('as module-init-tools 3.3-pre2 reads it');
    expect(existsSync(join(guest.root, 'var/lib/mptfix/generations/1/tmp'))).toBe(false);
  });

  test('but where its modprobe would load something else, all is put back', async () => {
    const guest = await oldGuest('module-init-tools');
    await putOldTools(guest);
    for (const [program, words] of [
      [
        'echo "insmod /lib/modules/other/mptscsih.ko"',
        'would load /lib/modules/other/mptscsih.ko for mptscsih',
      ],
      ['echo "FATAL: Could not open" >&2; exit 1', 'would load nothing for mptscsih'],
    ] as const) {
      await put(guest.root, {
        'sbin/modprobe': `#!/bin/sh\n# module-init-tools version 3.3-pre2\n${program}\n`,
      });
      const before = listing(guest.root);
      const { code, what } = await failureOf(install(guest.target, await guest.installation('same')));
      expect([code, what]).toEqual(['E_INSTALL', expect.stringContaining(words)]);
      expect(listing(guest.root)).toEqual(before);
    }
  });
});

describe('where it does not, the guest’s own depmod rebuilds it:', () => {
  test('in the old form, and a rollback puts every byte back', async () => {
    const guest = await oldGuest('module-init-tools');
    await putOldTools(guest);
    const before = guest.all();
    const { outcome } = await install(guest.target, await guest.installation('other'));
    expect(await readAsGuest(guest)).toEqual(names(guest));
    expect(guest.read('modules.dep')).toMatch(
      /^\/lib\/modules\/2\.6\.18-8\.el5\/kernel\/\S+mptscsih\.ko: \/lib\/modules\/\S+mptbase\.ko$/m,
    );
    expect(guest.read('modules.dep')).not.toMatch(/(?:^| )kernel\//m);
    expect(guest.read('modules.alias')).toContain('alias variant-2 mptscsih');
    expect(await guest.target.stat(`${guest.folder}/modules.dep.bin`)).toBe(undefined);
    expect(outcome).toContain(`the guest’s own modprobe would load ${guest.module}`);
    expect(await kinds(guest)).toEqual(['module', 'index']);
    await rollBack(guest);
    expect(guest.all()).toEqual(before);
    expect(await readAsGuest(guest)).toEqual(names(guest));
  });

  test('a run that dies with the index half written is put back by the next one', async () => {
    const guest = await oldGuest('module-init-tools');
    await putOldTools(guest);
    const before = guest.all();
    const { target } = guest;
    const dying = {
      ...target,
      write: async (...args: Parameters<typeof target.write>) => {
        if (args[0].endsWith('/modules.dep')) throw new Error('died');
        return target.write(...args);
      },
      // What a dead process does not do either.
      removeTree: async () => {},
      rename: async () => Promise.reject(new Error('died')),
      hardLink: async (from: string, to: string) =>
        to.startsWith(guest.folder) ? Promise.reject(new Error('died')) : target.hardLink(from, to),
    };
    expect((await failureOf(install(dying, await guest.installation('other')))).code).toBe('E_INSTALL_UNDO');
    expect(guest.all()).not.toEqual(before);
    await finishOpen(target);
    expect(guest.all()).toEqual(before);
  });

  test.each([
    ['that fails', 'echo "FATAL: no memory" >&2; exit 1', 'depmod failed: FATAL: no memory'],
    ['that loses a module', 'sed -i /mptbase.ko:/d modules.dep', 'its index has no /lib/modules/'],
    [
      'that writes another form',
      'sed -i "s,/lib/modules/$1/,,g" modules.dep',
      'as it stands, which is nowhere',
    ],
    ['that leaves no index', 'rm modules.dep', 'its index has no'],
    ['that leaves a link for the index', 'ln -sf /etc/shadow modules.alias', undefined],
  ])('a depmod %s', async (_, more, words) => {
    const guest = await oldGuest('module-init-tools');
    await putOldTools(guest);
    extend(guest, 'depmod', more);
    const before = listing(guest.root);
    const installing = guest.installation('other').then((wanted) => install(guest.target, wanted));
    if (words === undefined) {
      await installing;
      expect((await guest.target.lstat(`${guest.folder}/modules.alias`))?.type).toBe('file');
      return;
    }
    const { code, what } = await failureOf(installing);
    expect([code, what]).toEqual(['E_INSTALL', expect.stringContaining(words)]);
    expect(listing(guest.root)).toEqual(before);
  });

  test('an undo of an index that somebody has rebuilt since leaves theirs where it cannot run, if that does', async () => {
    for (const isSound of [true, false]) {
      const guest = await oldGuest('module-init-tools');
      await putOldTools(guest);
      await install(guest.target, await guest.installation('other'));
      const theirs = isSound
        ? `${guest.read('modules.dep')}\n`
        : guest.read('modules.dep').replaceAll('/lib/modules/', '/lib/');
      await put(guest.root, { [`${guest.folder}/modules.dep`]: theirs });
      for (const path of ['sbin/depmod', 'bin/sh']) makeForeign(guest, path);
      if (!isSound) {
        expect((await failureOf(rollBack(guest))).code).toBe('E_INSTALL_UNDO');
        continue;
      }
      await rollBack(guest);
      expect(guest.read('modules.dep')).toBe(theirs);
    }
  });

  test('an undo of an index that somebody has rebuilt since asks it once more', async () => {
    const guest = await oldGuest('module-init-tools');
    await putOldTools(guest);
    await install(guest.target, await guest.installation('other'));
    sh(
      'cp "$1/mptbase.ko" "$1/mptspi.ko"; chroot "$2" /sbin/depmod "$3"',
      join(guest.root, guest.module, '..'),
      guest.root,
      guest.release,
    );
    await rollBack(guest);
    expect(guest.read('modules.dep')).toMatch(/^\/lib\S+mptspi\.ko:/m);
    expect(guest.read('modules.alias')).not.toContain('variant-2');
    expect(await readAsGuest(guest)).toEqual(names(guest));
  });
});

describe('nothing is begun', () => {
  test('where the index must be rebuilt and the guest has no depmod, or one of modutils', async () => {
    for (const era of ['module-init-tools', 'modutils'] as const) {
      const guest = await oldGuest(era);
      const before = listing(guest.root);
      const { code, what, next } = await failureOf(install(guest.target, await guest.installation('other')));
      expect([code, what, next]).toEqual([
        'E_INDEX',
        expect.stringContaining('the new module has other aliases, so the module index of'),
        expect.stringContaining('its own depmod'),
      ]);
      expect(listing(guest.root)).toEqual(before);
    }
  });

  test('where it cannot be told which tools the guest has', async () => {
    const guest = await oldGuest('module-init-tools');
    await put(guest.root, { [`${guest.folder}/modules.dep`]: `${guest.read('modules.dep')}kernel/a.ko:\n` });
    const before = listing(guest.root);
    const { code, what } = await failureOf(install(guest.target, await guest.installation('same')));
    expect([code, what]).toEqual([
      'E_INDEX',
      expect.stringContaining('cannot tell which depmod and modprobe'),
    ]);
    expect(listing(guest.root)).toEqual(before);
  });
});

test('tools that do not run here: the index is proved by reading, and the outcome says that modprobe was not asked', async () => {
  const guest = await oldGuest('module-init-tools');
  await putOldTools(guest);
  // With a shell that runs, that would be tried with the program as its script.
  for (const path of ['sbin/depmod', 'sbin/modprobe', 'bin/sh']) makeForeign(guest, path);
  const { outcome } = await install(guest.target, await guest.installation('same'));
  expect(outcome.join('\n')).toContain(
    'the guest’s own modprobe was not asked: /sbin/modprobe of the guest is built for another processor',
  );
  await rollBack(guest);
  const now = () => listing(guest.root, { without: ['var/lib/mptfix/generations'] });
  const before = now();
  const { code, what } = await failureOf(install(guest.target, await guest.installation('other')));
  expect([code, what]).toEqual([
    'E_INSTALL',
    expect.stringContaining('/sbin/depmod of the guest is built for another processor'),
  ]);
  expect(now()).toEqual(before);
});

describe('an index that this machine’s depmod has written', () => {
  test('is one that the guest’s modprobe cannot use: refused, with the command that mends it', async () => {
    const guest = await oldGuest('module-init-tools');
    await putOldTools(guest);
    await requireReadableIndex(guest.target, guest.release, 'mptscsih');
    const status = async () => (await guestStatus(guest.target, guest.release)).index;
    expect(await status()).toEqual({
      tools: 'module-init-tools 3.3-pre2',
      finds: 'module',
      detail: guest.module,
    });
    sh('depmod -b "$1" "$2"', guest.root, guest.release);
    expect(await status()).toMatchObject({
      finds: 'nothing',
      detail: expect.stringContaining('as it stands'),
    });
    const { code, what, next } = await failureOf(
      requireReadableIndex(guest.target, guest.release, 'mptscsih'),
    );
    expect([code, what, next]).toEqual([
      'E_INDEX',
      expect.stringMatching(
        /modprobe is of module-init-tools 3\.3-pre2\) cannot use .*"kernel\/.*mptscsih\.ko" as it stands/,
      ),
      expect.stringContaining(`depmod -a ${guest.release}`),
    ]);
    sh('chroot "$1" /sbin/depmod "$2"', guest.root, guest.release);
    await requireReadableIndex(guest.target, guest.release, 'mptscsih');
  });

  test('lists a file that is not there, where that was removed since', async () => {
    const guest = await oldGuest('module-init-tools');
    rmSync(join(guest.root, names(guest).needs[0] ?? ''));
    expect((await failureOf(requireReadableIndex(guest.target, guest.release, 'mptscsih'))).what).toContain(
      'there is no file',
    );
  });
});

test('depmod’s outputs are those of old tools too', () => {
  const made = [
    'pcimap',
    'usbmap',
    'ccwmap',
    'ieee1394map',
    'isapnpmap',
    'inputmap',
    'ofmap',
    'seriomap',
    'alias',
    'symbols',
    'dep',
  ];
  for (const name of made) expect(depmodOutputs('1')).toContain(`/lib/modules/1/modules.${name}`);
});
