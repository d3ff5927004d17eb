import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { moduleTreeProblems } from '../../src/guest/module-tree.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import {
  addModule,
  FUSION,
  MODULE,
  MODULES,
  RELEASE,
  type SmallGuest,
  smallGuest,
} from '../install/small-guest.ts';
import { put, sh, temporary } from '../machine/temporary.ts';

let guest: SmallGuest;
const problems = (release = RELEASE) => moduleTreeProblems(guest.target, release, 'mptscsih');
const at = (path: string): string => join(guest.root, path);

beforeEach(async () => {
  guest = await smallGuest();
});

describe('moduleTreeProblems', () => {
  it('finds none in a tree whose index depmod has just made', async () => {
    expect(await problems()).toEqual([]);
  });

  it('tells that there is no folder, or a link that leads nowhere', async () => {
    const missing = await problems('6.1.0-8-amd64');
    expect(missing).toEqual([{ severity: 'refuse', text: 'there is no /lib/modules/6.1.0-8-amd64' }]);
    sh('ln -s /usr/lib/modules/gone "$1"; : > "$2"', at('/lib/modules/6.1.0-7'), at('/lib/modules/6.1.0-6'));
    expect((await problems('6.1.0-7'))[0]?.text).toBe(
      '/lib/modules/6.1.0-7 is a link to "/usr/lib/modules/gone", which does not exist',
    );
    expect((await problems('6.1.0-6'))[0]?.text).toBe('/lib/modules/6.1.0-6 is not a folder');
    sh('ln -s 6.1.0-5 "$1"', at('/lib/modules/6.1.0-5'));
    expect(await problems('6.1.0-5')).toMatchObject([{ severity: 'refuse' }]);
  });

  it.each([
    ['is not there', undefined, /^there is no .*modules\.dep: run depmod/],
    ['is empty', '', /modules\.dep is empty: run depmod/],
    [
      'is cut off',
      'kernel/a.ko:\nkernel/drivers/message/fusion/mptscsih.ko: kernel/drivers/mess',
      /ends in the middle of a line/,
    ],
    ['has another form', 'kernel/a.ko:\n\u0000\u0001\n', /modules\.dep, entry 2, is not one of depmod’s/],
    ['is of another driver', 'kernel/a.ko: kernel/b.ko\n', /does not list mptscsih/],
  ])('tells that the index %s', async (_, content, words) => {
    if (content === undefined) rmSync(at(`${MODULES}/modules.dep`));
    else await put(guest.root, { [`${MODULES}/modules.dep`]: content });
    const [problem] = await problems();
    expect(problem?.severity).toBe('refuse');
    expect(problem?.text).toMatch(words);
  });

  it('reads the wrapped lines and whole paths of Linux 2.4', async () => {
    await put(guest.root, {
      [`${MODULES}/modules.dep`]: `${MODULE}:\t${FUSION}/mptbase.ko \\\n\n\n${FUSION}/mptbase.ko:\n`,
    });
    expect(await problems()).toEqual([]);
  });

  it('tells modules that are empty, gone, or no files: the driver and what it needs', async () => {
    truncateSync(at(MODULE), 0);
    rmSync(at(`${FUSION}/mptbase.ko`));
    sh('mkdir "$1"', at(`${FUSION}/mptbase.ko`));
    const words = (await problems()).filter(({ severity }) => severity === 'refuse').map((one) => one.text);
    expect(words).toEqual([
      `${MODULE}, is empty: its package was not fully unpacked`,
      `${FUSION}/mptbase.ko, which mptscsih needs, is not a file`,
    ]);
    rmSync(at(`${FUSION}/mptbase.ko`), { recursive: true });
    sh('ln -s /gone "$1"', at(`${FUSION}/mptbase.ko`));
    expect((await problems())[1]?.text).toBe(
      `${FUSION}/mptbase.ko, which mptscsih needs, is in the index but not on disk`,
    );
  });

  it('tells a second driver that depmod has not seen, and no longer once it has', async () => {
    sh('mkdir "$1"; cp "$2" "$1"', at(`${MODULES}/updates`), at(MODULE));
    expect((await problems())[0]).toEqual({
      severity: 'refuse',
      text: `${MODULES}/updates/mptscsih.ko is another mptscsih, which the index does not list: run depmod, and check which one is right`,
    });
    sh('depmod -b "$1" "$2"', guest.root, RELEASE);
    expect(await problems()).toEqual([]);
  });

  it('tells a change that came after depmod, of whatever module, until depmod has run', async () => {
    addModule(guest, `${MODULES}/extra/other.ko`, 'other');
    expect(await problems()).toEqual([]);
    sh('touch -d "+1 hour" "$1"', at(FUSION));
    expect(await problems()).toEqual([
      {
        severity: 'warn',
        text: `${FUSION} was changed after depmod built the index: the index may be out of date`,
      },
    ]);
  });

  it('misses the build’s own lists where this kernel makes them', async () => {
    rmSync(at(`${MODULES}/modules.order`));
    rmSync(at(`${MODULES}/modules.builtin`));
    expect((await problems()).map(({ text }) => text)).toEqual(
      ['order', 'builtin'].map(
        (name) => `there is no ${MODULES}/modules.${name}: the kernel’s package is incomplete`,
      ),
    );
    const old = '2.6.18-8.el5';
    sh('cp -a "$1" "$2"; depmod -b "$3" "$4"', at(MODULES), at(`/lib/modules/${old}`), guest.root, old);
    rmSync(at(`/lib/modules/${old}/build`), { force: true });
    expect(await problems(old)).toEqual([]);
  });

  it('does not hang on an index made to be large', async () => {
    const root = await temporary({ [`${MODULES}/modules.dep`]: 'x' });
    truncateSync(join(root, `${MODULES}/modules.dep`), 64 * 1024 * 1024);
    const found = await moduleTreeProblems(rootTarget(root, { dryRun: true }), RELEASE, 'mptscsih');
    expect(found[0]?.text).toBe(`${MODULES}/modules.dep is not a module index`);
    const line = `a.ko:${' a.ko:'.repeat(200_000)}\r\n`;
    await put(root, { [`${MODULES}/modules.dep`]: line });
    expect(
      (await moduleTreeProblems(rootTarget(root, { dryRun: true }), RELEASE, 'mptscsih'))[0]?.text,
    ).toMatch(/entry 1, is not one/);
  });
});
