import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Headers, readHeaders } from '../../src/kernel-source/headers.ts';
import type { Target } from '../../src/machine/port.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import type { Workspace } from '../../src/work/workspace.ts';
import { listing } from '../helpers/listing.ts';
import {
  type Entries,
  failureOf,
  put,
  sh,
  temporary,
  until,
  workspaceForTest,
} from '../machine/temporary.ts';
import { DEBIAN, DEBIAN_BUILD, UBUNTU, UBUNTU_BUILD } from './header-layouts.ts';

const COMMON = '/usr/src/linux-headers-6.1.0-9-common';
const KBUILD = '/usr/lib/linux-kbuild-6.1/scripts/basic';

async function headersOf(entries: Entries, build: string) {
  const root = await temporary(entries);
  const before = listing(root);
  const workspace = await workspaceForTest();
  const headers = await readHeaders(rootTarget(root, { dryRun: true }), build, workspace);
  return { root, before, workspace, headers };
}

/** What a script says in the sandbox that shows the headers, as the user that compiles. */
async function inSandbox(
  { machine, user }: Workspace,
  { binds }: Pick<Headers, 'binds'>,
  script: string,
): Promise<string> {
  const sandbox = { readOnly: binds, writable: [] };
  const result = await machine.run(['sh', '-c', script], { effect: 'read', user, sandbox });
  return `${result.stdout}${result.stderr}`.trim();
}

describe('a guest’s build folder in a sandbox', () => {
  test('is where its own Makefile names it, with all its parts; the guest is as it was', async () => {
    const { root, before, workspace, headers } = await headersOf(DEBIAN, DEBIAN_BUILD);
    expect(headers.folder).toBe(DEBIAN_BUILD);
    const script = `cat ${DEBIAN_BUILD}/scripts/basic ${COMMON}/scripts/basic ${DEBIAN_BUILD}/tools/objtool ${COMMON}/Makefile`;
    expect(await inSandbox(workspace, headers, script)).toMatch(/^a script\na script\na tool\nVERSION = 6\n/);
    expect(headers).toMatchObject({
      origin: `${root}:${DEBIAN_BUILD}`,
      version: '6.1.9',
      release: '6.1.0-9-amd64',
      config: expect.stringContaining('gcc-12'),
      symvers: expect.stringContaining('printk'),
    });
    expect(listing(root)).toEqual(before);
  });

  test('is found by a link of the modules folder that is relative to where that folder really is, as Debian 13 has it', async () => {
    const root = await temporary({ ...DEBIAN, 'usr/lib/modules/6.1.0-9-amd64/order': '' });
    rmSync(join(root, 'lib'), { recursive: true, force: true });
    symlinkSync('usr/lib', join(root, 'lib'));
    symlinkSync(
      `../../../src/linux-headers-6.1.0-9-amd64`,
      join(root, 'usr/lib/modules/6.1.0-9-amd64/build'),
    );
    const guest = rootTarget(root, { dryRun: true });
    const build = '/lib/modules/6.1.0-9-amd64/build';
    expect((await readHeaders(guest, build, await workspaceForTest())).folder).toBe(DEBIAN_BUILD);
  });

  test('Ubuntu’s two folders are not confused, though one’s name begins the other’s', async () => {
    const { workspace, headers } = await headersOf(UBUNTU, UBUNTU_BUILD);
    expect([headers.version, headers.release]).toEqual(['5.4.44', '5.4.0-42-generic']);
    const script = `cd ${UBUNTU_BUILD} && cat arch/Kconfig own && head -n 1 Makefile`;
    expect(await inSandbox(workspace, headers, script)).toBe('a Kconfig\nmodpost\nVERSION = 5');
  });

  test('links far down lead to the guest’s parts, and to nothing else of the guest or of this machine', async () => {
    const { workspace, headers } = await headersOf(
      {
        ...DEBIAN,
        'etc/hostname': 'the guest',
        'usr/lib/linux-more/x/y': 'more',
        [`${DEBIAN_BUILD.slice(1)}/include/deep/down`]: { link: `${COMMON}/Makefile` },
        [`${COMMON.slice(1)}/arch/more`]: { link: '/usr/lib/linux-more/x/y' },
        [`${COMMON.slice(1)}/arch/outside`]: { link: '/etc/hostname' },
        [`${COMMON.slice(1)}/arch/above`]: { link: `${'../'.repeat(20)}etc/shadow` },
      },
      DEBIAN_BUILD,
    );
    const cat = (path: string): Promise<string> => inSandbox(workspace, headers, `cat ${path}`);
    expect(await cat(`${DEBIAN_BUILD}/include/deep/down`)).toMatch(/^VERSION = 6/);
    expect(await cat(`${COMMON}/arch/more`)).toBe('more');
    for (const name of ['outside', 'above'])
      expect(await cat(`${COMMON}/arch/${name}`)).toContain('No such file');
  });

  test('no kernel of this machine is to be seen, and its compiler is', async () => {
    const { workspace, headers } = await headersOf(DEBIAN, DEBIAN_BUILD);
    expect(
      await inSandbox(workspace, headers, 'ls /usr/src; ls -d /usr/lib/linux-* /lib/modules 2>/dev/null'),
    ).toBe('linux-headers-6.1.0-9-amd64\nlinux-headers-6.1.0-9-common\n/usr/lib/linux-kbuild-6.1');
    const script =
      'echo "int x;" > /tmp/x.c && gcc -c /tmp/x.c -o /tmp/x.o && strip /tmp/x.o && echo compiled';
    expect(await inSandbox(workspace, headers, script)).toBe('compiled');
  });

  test('cannot be written to', async () => {
    const { workspace, headers } = await headersOf(DEBIAN, DEBIAN_BUILD);
    const script = `chmod 777 ${DEBIAN_BUILD} ; echo x > ${DEBIAN_BUILD}/Makefile; echo x > ${COMMON}/new`;
    expect(
      (await inSandbox(workspace, headers, script)).match(/Read-only file system|nonexistent/g),
    ).toHaveLength(3);
  });

  test('a part that holds the build folder is shown round it', async () => {
    const smp = 'usr/src/linux-obj/x86_64/smp';
    const { workspace, headers } = await headersOf(
      {
        [`${smp}/Makefile`]: `VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 16\nO = /${smp}\n`,
        [`${smp}/.config`]: '',
        [`${smp}/Module.symvers`]: '',
        [`${smp}/link`]: { link: `/usr/src/linux-obj/tool` },
        'usr/src/linux-obj/tool': 'a tool',
      },
      `/${smp}`,
    );
    expect(await inSandbox(workspace, headers, `cat /${smp}/link; ls /usr/src/linux-obj`)).toBe(
      'a tooltool\nx86_64',
    );
  });

  test('may lie where this machine has no such folder', async () => {
    const build = 'usr/local/kernels/of/the/guest';
    const { workspace, headers } = await headersOf(
      {
        [`${build}/Makefile`]: 'VERSION = 5\nPATCHLEVEL = 4\n',
        [`${build}/.config`]: '',
        [`${build}/Module.symvers`]: '',
      },
      `/${build}`,
    );
    expect(await inSandbox(workspace, headers, `head -n 1 /${build}/Makefile; ls -d /usr/local/share`)).toBe(
      'VERSION = 5\n/usr/local/share',
    );
  });

  test('the link `build` of a module folder is followed to the real folder', async () => {
    const { headers } = await headersOf(DEBIAN, '/lib/modules/6.1.0-9-amd64/build');
    expect(headers.folder).toBe(DEBIAN_BUILD);
  });
});

describe('copies that are made later', () => {
  /** What others may write to is never shown where it is. */
  async function shared(): Promise<string> {
    const root = await temporary(DEBIAN);
    for (const file of [`${DEBIAN_BUILD}/.config`, `${COMMON}/Makefile`, KBUILD])
      chmodSync(join(root, file), 0o666);
    return root;
  }
  async function later(root: string) {
    const workspace = await workspaceForTest();
    const guest = rootTarget(root, { dryRun: true });
    const how = { copyLater: true };
    return { workspace, headers: await readHeaders(guest, DEBIAN_BUILD, workspace, how) };
  }

  test('have the same hash and facts, are empty until somebody needs them, and are then made once', async () => {
    const root = await shared();
    const other = await workspaceForTest();
    const copied = await readHeaders(rootTarget(root, { dryRun: true }), DEBIAN_BUILD, other);
    expect(copied.ready).toBeUndefined();
    const { workspace, headers } = await later(root);
    const { ready, binds, ...facts } = headers;
    const { binds: _, ...expected } = copied;
    expect(facts).toEqual(expected);
    const script = `cat ${DEBIAN_BUILD}/scripts/basic ${COMMON}/Makefile`;
    expect(await inSandbox(workspace, headers, script)).toMatch(/No such file.*\n.*No such file/);
    await Promise.all([ready?.(), ready?.()]);
    expect(await inSandbox(workspace, headers, script)).toBe(await inSandbox(other, copied, script));
    const read = binds.find(({ to }) => to === COMMON)?.from ?? '';
    expect(listing(read).length).toBeGreaterThan(2);
  });

  test('are refused where the headers have changed since they were hashed', async () => {
    const root = await shared();
    const { headers } = await later(root);
    writeFileSync(join(root, COMMON, 'Makefile'), 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 9\n# one byte\n');
    const { code, what } = await failureOf(Promise.resolve(headers.ready?.()));
    expect([code, what]).toEqual(['E_FILE_CHANGED', `${COMMON} changed while it was read`]);
    expect((await failureOf(Promise.resolve(headers.ready?.()))).code).toBe('E_FILE_CHANGED');
  });
});

/** setfacl -m u:12345:rw, where that is not installed. Source: linux/posix_acl_xattr.h. */
const LETS_WRITE = `import os, struct, sys
entries = [(1, 6, -1), (2, 6, 12345), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
os.setxattr(sys.argv[1], "system.posix_acl_access", acl)`;

describe('a guest’s headers are shown where they are', () => {
  async function shown(change: (root: string) => void) {
    const root = await temporary(DEBIAN);
    change(root);
    const workspace = await workspaceForTest();
    const headers = await readHeaders(rootTarget(root, { dryRun: true }), DEBIAN_BUILD, workspace);
    const common = headers.binds.find(({ to }) => to === COMMON)?.from;
    const seen = await inSandbox(workspace, headers, `cat ${COMMON}/Makefile`);
    return { root, headers, seen, inPlace: common === join(root, COMMON) };
  }

  test('where nobody else may write to them, and after a change they are no longer those that were read', async () => {
    const { root, headers, seen, inPlace } = await shown(() => {});
    expect([inPlace, seen]).toEqual([true, expect.stringMatching(/^VERSION = 6/)]);
    headers.requireUnchanged?.();
    sh('cd "$1" && cp Makefile new && mv new Makefile', join(root, COMMON));
    const refused = failureOf(Promise.resolve().then(() => headers.requireUnchanged?.()));
    expect((await refused).code).toBe('E_FILE_CHANGED');
  });

  // Whoever may write could show the compiler another file than was hashed, and the hash names what the cache gives to others.
  for (const [what, change] of [
    ['a group may write to one file', `chmod g+w "$1${COMMON}/Makefile"`],
    ['all may write to one folder in it', `mkdir "$1${COMMON}/x"; chmod 777 "$1${COMMON}/x"`],
    ['all may add to the folder itself, though it is sticky', `chmod 1777 "$1${COMMON}"`],
    ['somebody else owns one file', `chown 12345 "$1${COMMON}/Makefile"`],
    ['somebody else owns a folder above', `chown 12345 "$1/usr"`],
    ['a group may write to a folder above', `chmod g+w "$1/usr/src"`],
    ['an access control list lets a user write', `python3 -c '${LETS_WRITE}' "$1${COMMON}/Makefile"`],
  ] as const) {
    test(`but not where ${what}: a copy is`, async () => {
      const { seen, inPlace } = await shown((root) => sh(change, root));
      expect([inPlace, seen]).toEqual([false, expect.stringMatching(/^VERSION = 6/)]);
    });
  }

  test('but not while a program runs in the tree: a copy is', async () => {
    const root = await temporary(DEBIAN);
    writeFileSync(join(root, 'w.c'), '#include <unistd.h>\nint main(void) { for (;;) pause(); }\n');
    sh('gcc -static "$1/w.c" -o "$1/waits"; chroot "$1" /waits >/dev/null 2>&1 & echo $! > "$1/pid"', root);
    onTestFinished(() => void sh('kill -KILL "$(cat "$1/pid")" || :', root));
    await until(() => sh('readlink "/proc/$(cat "$1/pid")/root"', root).trim() === root);
    const headers = await readHeaders(
      rootTarget(root, { dryRun: true }),
      DEBIAN_BUILD,
      await workspaceForTest(),
    );
    expect(headers.binds.some(({ from }) => from.startsWith(`${root}/`))).toBe(false);
  });
});

describe('what lies on this machine', () => {
  test('is shown where it is; packages unpacked below a folder are shown below /', async () => {
    const workspace = await workspaceForTest();
    const folder = await temporary(DEBIAN);
    // As dpkg-deb has unpacked them: a link to /usr/lib then leads to the machine's own.
    rmSync(join(folder, 'lib'), { recursive: true });
    const before = listing(folder);
    const build = `${folder}${DEBIAN_BUILD}`;
    const headers = await readHeaders(localTarget({ dryRun: true }), build, workspace);
    expect([headers.origin, headers.folder]).toEqual([build, DEBIAN_BUILD]);
    expect(headers.binds).toContainEqual({ from: build, to: DEBIAN_BUILD });
    expect(await inSandbox(workspace, headers, `cat ${COMMON}/scripts/basic`)).toBe('a script');
    expect(listing(folder)).toEqual(before);
  });

  test('is copied where the user that compiles may not read it', async () => {
    const workspace = await workspaceForTest();
    const folder = await temporary(DEBIAN);
    rmSync(join(folder, 'lib'), { recursive: true });
    chmodSync(`${folder}${COMMON}/Makefile`, 0o600);
    const headers = await readHeaders(localTarget({ dryRun: true }), `${folder}${DEBIAN_BUILD}`, workspace);
    expect(await inSandbox(workspace, headers, `cat ${COMMON}/Makefile`)).toMatch(/^VERSION = 6/);
  });
});

test('packages unpacked below a folder are read once, though their parts have two names each', async () => {
  const folder = await temporary(DEBIAN);
  rmSync(join(folder, 'lib'), { recursive: true });
  const local = localTarget({ dryRun: true });
  const read: string[] = [];
  const counted: Target = {
    ...local,
    walk: (path, bounds) => {
      read.push(path.slice(folder.length));
      return local.walk(path, bounds);
    },
  };
  await readHeaders(counted, `${folder}${DEBIAN_BUILD}`, await workspaceForTest());
  expect(read).toEqual([DEBIAN_BUILD, COMMON, '/usr/lib/linux-kbuild-6.1']);
});

test.each([
  ['somebody else owns one file', `chown 12345 "$1${COMMON}/Makefile"`],
  ['others may write to one file', `chmod o+w "$1${COMMON}/Makefile"`],
  ['somebody else owns a folder above', 'chown 12345 "$1/usr"'],
])('what lies on this machine is copied where %s', async (_, change) => {
  const workspace = await workspaceForTest();
  const folder = await temporary(DEBIAN);
  rmSync(join(folder, 'lib'), { recursive: true });
  sh(change, folder);
  const headers = await readHeaders(localTarget({ dryRun: true }), `${folder}${DEBIAN_BUILD}`, workspace);
  expect(headers.binds.find(({ to }) => to === COMMON)?.from).toContain(workspace.own('headers'));
  expect(await inSandbox(workspace, headers, `cat ${COMMON}/Makefile`)).toMatch(/^VERSION = 6/);
});

test('what a build has just unpacked is shown where it is, though its user owns it', async () => {
  const workspace = await workspaceForTest();
  sh('mkdir "$1"', workspace.at('packages'));
  await put(workspace.at('packages'), DEBIAN);
  const build = `${workspace.at('packages')}${DEBIAN_BUILD}`;
  rmSync(join(workspace.at('packages'), 'lib'), { recursive: true });
  sh('chown -R 12345 "$1"', workspace.at('packages'));
  const headers = await readHeaders(localTarget({ dryRun: true }), build, workspace);
  expect(headers.binds).toContainEqual({ from: build, to: DEBIAN_BUILD });
});

describe('the hash of the headers', () => {
  const BUILD = DEBIAN_BUILD.slice(1);

  async function digestAfter(change: (root: string) => void): Promise<string | undefined> {
    const root = await temporary(DEBIAN);
    change(root);
    return (await readHeaders(rootTarget(root, { dryRun: true }), DEBIAN_BUILD, await workspaceForTest()))
      .digest;
  }

  test('is that of the content, wherever and whenever it was written', async () => {
    const [one, other] = [
      await digestAfter(() => {}),
      await digestAfter((root) => sh('find "$1" -exec touch -h -d @1 {} +', root)),
    ];
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(other).toBe(one);
  });

  for (const [what, change] of [
    [
      'one byte of the same size and time in any part',
      (root: string) => {
        sh('touch -r "$1/usr/lib/linux-kbuild-6.1/scripts/basic" "$1/time"', root);
        writeFileSync(join(root, 'usr/lib/linux-kbuild-6.1/scripts/basic'), 'a scripT\n');
        sh('touch -r "$1/time" "$1/usr/lib/linux-kbuild-6.1/scripts/basic"', root);
      },
    ],
    ['a mode', (root: string) => chmodSync(join(root, BUILD, 'Makefile'), 0o755)],
    ['a new empty folder', (root: string) => mkdirSync(join(root, BUILD, 'new'))],
    ['a link', (root: string) => symlinkSync('Makefile', join(root, BUILD, 'GNUmakefile'))],
  ] as const) {
    test(`is another after a change of ${what}`, async () => {
      expect(await digestAfter(change)).not.toBe(await digestAfter(() => {}));
    });
  }
});

describe('E_FILE_UNSAFE names what no headers have:', () => {
  for (const [what, script] of [
    ['a device', 'mknod "$1" b 7 200'],
    ['a FIFO', 'mkfifo "$1"'],
    ['a socket', 'python3 -c "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$1"'],
    ['gigabytes', 'truncate -s 10G "$1"'],
  ] as const) {
    test(what, async () => {
      const root = await temporary(DEBIAN);
      const name = `${COMMON}/x`;
      sh(script, join(root, name));
      const workspace = await workspaceForTest();
      const failed = await failureOf(
        readHeaders(rootTarget(root, { dryRun: true }), DEBIAN_BUILD, workspace),
      );
      expect([failed.code, failed.what]).toEqual([
        'E_FILE_UNSAFE',
        expect.stringContaining(what === 'gigabytes' ? COMMON : name),
      ]);
      expect(sh('find "$1" ! -type f ! -type d ! -type l', workspace.own())).toBe('');
    });
  }
});

describe('E_HEADERS_MISSING names what is not there:', () => {
  for (const name of ['Makefile', '.config', 'Module.symvers']) {
    test(name, async () => {
      const path = `usr/src/linux-headers-6.1.0-9-amd64/${name}`;
      const { [path]: _, ...rest } = DEBIAN;
      const { code, what } = await failureOf(headersOf(rest, DEBIAN_BUILD));
      expect([code, what.includes(`${name} is missing`)]).toEqual(['E_HEADERS_MISSING', true]);
    });
  }

  test('the folder itself', async () => {
    expect((await failureOf(headersOf({}, '/usr/src/none'))).code).toBe('E_HEADERS_MISSING');
  });

  test('the folder that holds the version', async () => {
    const entries = {
      'usr/src/linux/Makefile': 'all:\n',
      'usr/src/linux/.config': '',
      'usr/src/linux/Module.symvers': '',
    };
    const { code, what } = await failureOf(headersOf(entries, '/usr/src/linux'));
    expect([code, what]).toEqual(['E_HEADERS_MISSING', expect.stringContaining('version')]);
  });

  test('a part, although this machine might have one of that name', async () => {
    const root = await temporary(DEBIAN);
    rmSync(join(root, 'usr/lib/linux-kbuild-6.1'), { recursive: true });
    const workspace = await workspaceForTest();
    const failure = await failureOf(readHeaders(rootTarget(root, { dryRun: true }), DEBIAN_BUILD, workspace));
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
    const { headers } = await headersOf({ ...entries, ...own }, '/usr/src/linux');
    expect([headers.release, headers.version]).toEqual(['2.6.18-8.el5', '2.6.18']);
  }
  expect((await headersOf(entries, '/usr/src/linux')).headers.release).toBe(undefined);
});
