import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { privateHeaders } from '../../src/kernel-source/headers.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { type Entries, failureOf, put, temporary, workspaceForTest } from '../machine/temporary.ts';
import { DEBIAN, DEBIAN_BUILD, UBUNTU, UBUNTU_BUILD } from './header-layouts.ts';

/** Every link below a folder, with where it really leads. */
function linksBelow(folder: string): { readonly path: string; readonly leadsTo: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => lstatSync(path).isSymbolicLink())
    .map((path) => ({ path, leadsTo: realpathSync(path) }));
}

async function copyOf(entries: Entries, build: string) {
  const root = await temporary(entries);
  const before = listing(root);
  const workspace = await workspaceForTest();
  const headers = await privateHeaders(rootTarget(root, { dryRun: true }), build, workspace);
  return { root, before, workspace, headers };
}

describe('of a guest’s tree', () => {
  for (const [distro, entries, build] of [
    ['Debian', DEBIAN, DEBIAN_BUILD],
    ['Ubuntu', UBUNTU, UBUNTU_BUILD],
  ] as const) {
    test(`${distro}’s build folder is copied whole, leads nowhere else, and the guest is as it was`, async () => {
      const { root, before, workspace, headers } = await copyOf(entries, build);
      expect(headers.folder.startsWith(`${workspace.folder}/`)).toBe(true);
      const links = linksBelow(workspace.folder);
      expect(links.length).toBeGreaterThan(0);
      for (const { leadsTo } of links) expect(leadsTo.startsWith(`${workspace.folder}/`)).toBe(true);
      expect(listing(root)).toEqual(before);
    });
  }

  test('absolute links below the top of a part lead to the copies too, or to the guest’s own file', async () => {
    const common = '/usr/src/linux-headers-6.1.0-9-common';
    const { root, workspace, headers } = await copyOf(
      {
        ...DEBIAN,
        'etc/hostname': 'the guest',
        'usr/lib/linux-more/x/y': 'more',
        [`${DEBIAN_BUILD.slice(1)}/include/deep/down`]: { link: `${common}/Makefile` },
        [`${common.slice(1)}/arch/outside`]: { link: '/etc/hostname' },
        [`${common.slice(1)}/arch/above`]: { link: `${'../'.repeat(20)}etc/hostname` },
        [`${common.slice(1)}/arch/beside`]: { link: '../../../../etc/hostname' },
        [`${common.slice(1)}/arch/more`]: { link: '/usr/lib/linux-more/x/y' },
        [`${common.slice(1)}/arch/none`]: { link: '/usr/lib/linux-none/x' },
      },
      DEBIAN_BUILD,
    );
    const base = workspace.at('headers');
    expect(readlinkSync(join(headers.folder, 'include/deep/down'))).toBe(`${base}${common}/Makefile`);
    for (const name of ['outside', 'above', 'beside'])
      expect(readlinkSync(join(base, common, 'arch', name))).toBe(join(root, 'etc/hostname'));
    expect(readlinkSync(join(base, common, 'arch/more'))).toBe(`${base}/usr/lib/linux-more/x/y`);
    expect(readFileSync(join(base, common, 'arch/more'), 'utf8')).toBe('more');
    expect(readlinkSync(join(base, common, 'arch/none'))).toBe(join(root, 'usr/lib/linux-none/x'));
  });

  test('the Makefiles of all its parts name the copies', async () => {
    const { workspace } = await copyOf(
      {
        ...DEBIAN,
        'usr/lib/linux-kbuild-6.1/Makefile': 'include /usr/src/linux-headers-6.1.0-9-common/Makefile\n',
      },
      DEBIAN_BUILD,
    );
    const base = workspace.at('headers');
    expect(readFileSync(join(base, 'usr/lib/linux-kbuild-6.1/Makefile'), 'utf8')).toBe(
      `include ${base}/usr/src/linux-headers-6.1.0-9-common/Makefile\n`,
    );
  });

  test('a part that holds the build folder is copied round it', async () => {
    const smp = 'usr/src/linux-obj/x86_64/smp';
    const { workspace } = await copyOf(
      {
        [`${smp}/Makefile`]: `VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 16\nO = /${smp}\n`,
        [`${smp}/.config`]: '',
        [`${smp}/Module.symvers`]: '',
        [`${smp}/link`]: { link: `/usr/src/linux-obj/tool` },
        'usr/src/linux-obj/tool': 'a tool',
      },
      `/${smp}`,
    );
    const base = workspace.at('headers/usr/src/linux-obj');
    expect(readdirSync(base)).toEqual(['tool', 'x86_64']);
    expect(readFileSync(join(base, 'x86_64/smp/Makefile'), 'utf8')).toContain(`O = ${base}/x86_64/smp\n`);
    expect(readlinkSync(join(base, 'x86_64/smp/link'))).toBe(join(base, 'tool'));
  });

  test('Debian’s Makefile names the copies and nothing else; version, release and .config are told', async () => {
    const { root, workspace, headers } = await copyOf(DEBIAN, DEBIAN_BUILD);
    const text = readFileSync(join(headers.folder, 'Makefile'), 'utf8');
    const base = workspace.at('headers');
    expect(text).toBe(`MAKEARGS = O=${base}${DEBIAN_BUILD}
include ${base}/usr/src/linux-headers-6.1.0-9-common/Makefile
tools:
\t@ls ${base}/usr/lib/linux-kbuild-6.1/tools
`);
    expect(headers).toMatchObject({
      origin: `${root}:${DEBIAN_BUILD}`,
      version: '6.1.9',
      release: '6.1.0-9-amd64',
      config: expect.stringContaining('gcc-12'),
    });
    expect(readFileSync(join(headers.folder, 'scripts/basic'), 'utf8')).toBe('a script\n');
    expect(readFileSync(join(headers.folder, 'tools/objtool'), 'utf8')).toBe('a tool\n');
  });

  test('Ubuntu’s two folders are not confused, though one’s name begins the other’s', async () => {
    const { headers } = await copyOf(UBUNTU, UBUNTU_BUILD);
    expect([headers.version, headers.release]).toEqual(['5.4.44', '5.4.0-42-generic']);
    expect(readFileSync(join(headers.folder, 'arch/Kconfig'), 'utf8')).toBe('a Kconfig\n');
    expect(realpathSync(join(headers.folder, 'own'))).toBe(join(headers.folder, 'scripts/mod'));
  });

  test('the link `build` of a module folder is followed to the real folder', async () => {
    const { headers } = await copyOf(DEBIAN, '/lib/modules/6.1.0-9-amd64/build');
    expect(headers.folder.endsWith(DEBIAN_BUILD)).toBe(true);
  });

  test('the copy can be read and entered by the user that compiles', async () => {
    const { workspace, headers } = await copyOf(DEBIAN, DEBIAN_BUILD);
    const { machine, user } = workspace;
    const result = await machine.run(['cat', join(headers.folder, 'scripts/basic')], {
      effect: 'read',
      ...(user === undefined ? {} : { user }),
    });
    expect([result.status, result.stdout.toString()]).toEqual([0, 'a script\n']);
  });
});

describe('a build folder that the compiling user cannot write to', () => {
  /** Debian's layout without its one absolute link, all of it root's. */
  const PLAIN: Entries = {
    ...DEBIAN,
    'usr/src/linux-headers-6.1.0-9-amd64/tools': { link: '../../lib/linux-kbuild-6.1/tools' },
  };

  async function isLinked(more: Entries): Promise<boolean> {
    const { headers } = await copyOf({ ...PLAIN, ...more }, DEBIAN_BUILD);
    return lstatSync(join(headers.folder, '.config')).isSymbolicLink();
  }

  test('serves in its place where nothing in it leads to this machine', async () => {
    expect(await isLinked({})).toBe(true);
    expect(await isLinked({ 'usr/lib/linux-kbuild-6.1/x/down': { link: '../scripts/basic' } })).toBe(true);
  });

  for (const [what, entries] of [
    [
      'an absolute link far down',
      { 'usr/lib/linux-kbuild-6.1/x/down': { link: '/usr/lib/linux-kbuild-6.1/scripts' } },
    ],
    [
      'a link that climbs above the root',
      { 'usr/lib/linux-kbuild-6.1/x/up': { link: '../../../../../etc/x' } },
    ],
    [
      'a part whose Makefile names a folder',
      { 'usr/lib/linux-kbuild-6.1/Makefile': 'include /usr/src/linux-headers-6.1.0-9-common/Makefile\n' },
    ],
  ] as const) {
    test(`is copied where it has ${what}`, async () => {
      expect(await isLinked(entries)).toBe(false);
    });
  }
});

test('packages that were unpacked into the workspace are used in place', async () => {
  const workspace = await workspaceForTest();
  await put(workspace.at('packages'), DEBIAN);
  // As dpkg-deb has unpacked them: a link to /usr/lib then leads to the machine's own.
  rmSync(workspace.at('packages/lib'), { recursive: true });
  const machine = localTarget({ dryRun: true });
  const build = workspace.at(`packages${DEBIAN_BUILD}`);
  const headers = await privateHeaders(machine, build, workspace);
  expect(headers.folder).toBe(build);
  const text = readFileSync(join(build, 'Makefile'), 'utf8');
  expect(text.replaceAll(workspace.folder, '')).not.toMatch(/[ =]\/usr/);
  expect(text).toContain(workspace.at('packages/usr/src/linux-headers-6.1.0-9-common/Makefile'));
  for (const { leadsTo } of linksBelow(workspace.folder))
    expect(leadsTo.startsWith(`${workspace.folder}/`)).toBe(true);
});

test('a folder of this machine is copied too, and stays as it was', async () => {
  const folder = await temporary(UBUNTU);
  const target = join(folder, 'usr/src/linux-headers-5.4.0-42-generic');
  rmSync(join(target, 'arch'));
  rmSync(join(target, 'own'));
  const before = listing(folder);
  const workspace = await workspaceForTest();
  const headers = await privateHeaders(localTarget({ dryRun: true }), target, workspace);
  expect([headers.origin, headers.folder]).toEqual([target, workspace.at('headers', target)]);
  expect(listing(folder)).toEqual(before);
});

describe('E_HEADERS_MISSING names what is not there:', () => {
  for (const name of ['Makefile', '.config', 'Module.symvers']) {
    test(name, async () => {
      const path = `usr/src/linux-headers-6.1.0-9-amd64/${name}`;
      const { [path]: _, ...rest } = DEBIAN;
      const { code, what } = await failureOf(copyOf(rest, DEBIAN_BUILD));
      expect([code, what.includes(`${name} is missing`)]).toEqual(['E_HEADERS_MISSING', true]);
    });
  }

  test('the folder itself', async () => {
    expect((await failureOf(copyOf({}, '/usr/src/none'))).code).toBe('E_HEADERS_MISSING');
  });

  test('the folder that holds the version', async () => {
    const entries = {
      'usr/src/linux/Makefile': 'all:\n',
      'usr/src/linux/.config': '',
      'usr/src/linux/Module.symvers': '',
    };
    const { code, what } = await failureOf(copyOf(entries, '/usr/src/linux'));
    expect([code, what]).toEqual(['E_HEADERS_MISSING', expect.stringContaining('version')]);
  });

  test('a part, although this machine might have one of that name', async () => {
    const root = await temporary(DEBIAN);
    rmSync(join(root, 'usr/lib/linux-kbuild-6.1'), { recursive: true });
    const workspace = await workspaceForTest();
    const failure = await failureOf(
      privateHeaders(rootTarget(root, { dryRun: true }), DEBIAN_BUILD, workspace),
    );
    expect([failure.code, failure.what]).toEqual([
      'E_HEADERS_MISSING',
      expect.stringContaining('/usr/lib/linux-kbuild-6.1'),
    ]);
  });
});

test('a release is also found where 2.6 kernels have it', async () => {
  const entries: Entries = {
    'usr/src/linux/Makefile': 'VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 18\n',
    'usr/src/linux/.config': '',
    'usr/src/linux/Module.symvers': '',
  };
  for (const file of ['include/linux/utsrelease.h', 'include/linux/version.h']) {
    const own = { [`usr/src/linux/${file}`]: '#define UTS_RELEASE "2.6.18-8.el5"\n' };
    const { headers } = await copyOf({ ...entries, ...own }, '/usr/src/linux');
    expect([headers.release, headers.version]).toEqual(['2.6.18-8.el5', '2.6.18']);
  }
  expect((await copyOf(entries, '/usr/src/linux')).headers.release).toBe(undefined);
});
