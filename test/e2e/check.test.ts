import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { modulePath, slimGuest } from '../helpers/slim-guest.ts';

const fixture = inject('fixture');
const { guest, source, release } = fixture;
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(dirname(dirname(fixture.guest)), 'check-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Packs a file as a distro would: the kernel's own options are not needed to read it. */
const PACKERS = {
  ko: ['cat'],
  'ko.xz': ['xz', '-c', '--check=crc32'],
  'ko.gz': ['gzip', '-c'],
  'ko.zst': ['zstd', '-cq'],
} as const;

function packed(from: string, name: string, suffix: keyof typeof PACKERS): string {
  const [tool, ...args] = PACKERS[suffix];
  const path = join(work, `${name}.${suffix}`);
  writeFileSync(path, execFileSync(tool, [...args, from], { maxBuffer: 1 << 28 }));
  return path;
}

/** The kernel of the fixture decides how its modules are packed. */
function plain(path: string): string {
  const unpacked = join(work, 'plain.ko');
  const tool = { '.xz': 'xz', '.gz': 'gzip', '.zst': 'zstd' }[/\.(xz|gz|zst)$/.exec(path)?.[0] ?? ''];
  writeFileSync(unpacked, tool === undefined ? readFileSync(path) : execFileSync(tool, ['-dc', path]));
  return unpacked;
}

describe('one module, however it is packed:', () => {
  for (const suffix of Object.keys(PACKERS) as (keyof typeof PACKERS)[]) {
    test(`${suffix} with the branch is affected`, async () => {
      const file = packed(plain(join(guest, modulePath(release))), 'branch', suffix);
      const run = await mptfix(['check', '--module', file, '--json']);
      expect(run.status).toBe(10);
      expect(json(run)).toMatchObject({
        schema: 'mptfix.check/1',
        verdict: 'affected',
        driver: { file, module: 'mptscsih' },
        evidence: [{ kind: 'module', verdict: 'affected' }],
      });
      expect(json(run).evidence[0].detail).toContain('$0x20008');
    });

    test(`${suffix} of the distro is fixed`, async () => {
      const file = packed(plain(fixture.distroModule), 'distro', suffix);
      const run = await mptfix(['check', '--module', file, '--json']);
      expect([run.status, json(run).verdict]).toEqual([0, 'fixed']);
    });
  }
});

describe('one source, in whatever form:', () => {
  const forms: readonly (readonly [string, () => string])[] = [
    ['the file', () => join(source, 'drivers/message/fusion/mptscsih.c')],
    ['the driver’s folder', () => join(source, 'drivers/message/fusion')],
    ['the tree', () => source],
    [
      'a tarball',
      () => {
        const path = join(work, 'source.tar.bz2');
        execFileSync('tar', ['-C', dirname(source), '-cjf', path, 'source']);
        return path;
      },
    ],
  ];
  for (const [name, path] of forms) {
    test(`${name} is affected, with the line of the branch`, async () => {
      const run = await mptfix(['check', '--source', path(), '--json']);
      expect(run.status).toBe(10);
      const { evidence, verdict } = json(run);
      expect(verdict).toBe('affected');
      const text = readFileSync(join(source, 'drivers/message/fusion/mptscsih.c'), 'latin1').split('\n');
      expect(text[evidence[0].line - 1]).toMatch(/if \(scsi_status == MPI_SCSI_STATUS_BUSY\)/);
      expect(evidence[0].file).toMatch(/mptscsih\.c$/);
    });
  }

  test('the driver’s version is told from the header beside it', async () => {
    expect(json(await mptfix(['check', '--source', source, '--json'])).driver.version).toMatch(/^3\.04\./);
  });

  test('a dummy mptscsih.c leads on to mptscsi.c in its tree, and is unknown alone', async () => {
    const folder = join(work, 'rhel4/drivers/message/fusion');
    mkdirSync(folder, { recursive: true });
    const dummy = [
      'static int __init mptscsih_init(void) { return 0; }',
      'static void __exit mptscsih_exit(void) { }',
      'module_init(mptscsih_init);',
      'module_exit(mptscsih_exit);',
      '',
    ].join('\n');
    writeFileSync(join(folder, 'mptscsih.c'), dummy);
    cpSync(join(source, 'drivers/message/fusion/mptscsih.c'), join(folder, 'mptscsi.c'));
    const tree = await mptfix(['check', '--source', join(work, 'rhel4'), '--json']);
    expect([tree.status, json(tree).verdict]).toEqual([10, 'affected']);
    expect(json(tree).evidence[0].file).toContain('mptscsi.c');
    const alone = await mptfix(['check', '--source', join(folder, 'mptscsih.c'), '--json']);
    expect([alone.status, json(alone).verdict]).toEqual([11, 'unknown']);
    expect(json(alone).evidence[0].detail).toContain('mptscsi.c');
  });
});

describe('a guest', () => {
  test('is judged by anybody, without network, and nothing is written', async () => {
    const slim = slimGuest(fixture);
    try {
      execFileSync('chmod', ['755', slim.root, dirname(slim.root)]);
      const before = listing(slim.root);
      const bin = publicCopy();
      // A network namespace of its own has no way out.
      const run = await mptfix(['check', '--root', slim.root, '--json'], {
        prefix: ['unshare', '-n', 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
        bin,
      });
      expect([run.status, json(run).verdict]).toEqual([10, 'affected']);
      expect(json(run).evidence.map((item: { kind: string }) => item.kind)).toEqual([
        'module',
        'kernel-table',
        'kb',
      ]);
      // The demo has put a faulty module in the place of the distro's, which the table knows as fixed.
      expect(json(run).disagreement).toMatch(/own build of \S+ is fixed.*; this file is another build/);
      expect(json(run).next).toContain(`plan --root ${slim.root} --kernel ${release}\``);
      expect(listing(slim.root)).toEqual(before);
    } finally {
      slim.dispose();
    }
  });

  test('without the driver has the verdict absent, exit 0', async () => {
    const slim = slimGuest(fixture);
    try {
      slim.remove(modulePath(release));
      const run = await mptfix(['check', '--root', slim.root, '--json']);
      expect([run.status, json(run).verdict, json(run).driver.module]).toEqual([0, 'absent', null]);
    } finally {
      slim.dispose();
    }
  });

  test('whose module cannot be judged, of a kernel that no table knows, is unknown, exit 11', async () => {
    const slim = slimGuest(fixture);
    try {
      slim.put('etc/os-release', 'ID=sles\nVERSION_ID="9"\nPRETTY_NAME="SUSE LINUX Enterprise Server 9"\n');
      const old = '2.6.5-7.244-smp';
      execFileSync('mv', [slim.at('lib/modules', release), slim.at('lib/modules', old)]);
      const module = slim.at(modulePath(old));
      const stripped = join(work, 'stripped.ko');
      execFileSync('strip', ['--strip-all', '-o', stripped, module]);
      slim.put(modulePath(old), readFileSync(stripped));
      const run = await mptfix(['check', '--root', slim.root, '--json']);
      expect([run.status, json(run).verdict]).toEqual([11, 'unknown']);
    } finally {
      slim.dispose();
    }
  });

  test('of 2004, with release files of its time, is named', async () => {
    const slim = slimGuest(fixture);
    try {
      slim.remove('etc/os-release');
      slim.put('etc/redhat-release', 'Red Hat Enterprise Linux AS release 4 (Nahant Update 4)\n');
      execFileSync('mv', [slim.at('lib/modules', release), slim.at('lib/modules/2.6.9-42.0.10.ELsmp')]);
      slim.remove(modulePath('2.6.9-42.0.10.ELsmp'));
      slim.put(
        'lib/modules/2.6.9-42.0.10.ELsmp/modules.builtin',
        'kernel/drivers/message/fusion/mptscsi.ko\n',
      );
      const run = await mptfix(['check', '--root', slim.root, '--json']);
      expect([run.status, json(run).verdict]).toEqual([10, 'affected']);
      expect(json(run).kernel.distro).toContain('Nahant Update 4');
      expect(json(run).kb).toMatchObject({ id: '51306', covered: true });
      expect(json(run).kb.vendorFix).toContain('2.6.9-55');
    } finally {
      slim.dispose();
    }
  });
});

function publicCopy(): string {
  const folder = join(work, 'mptfix');
  mkdirSync(folder, { recursive: true });
  for (const name of ['bin', 'dist', 'patches', 'package.json'])
    cpSync(name, join(folder, name), { recursive: true });
  execFileSync('chmod', ['-R', 'a+rX', work]);
  return join(folder, 'bin/mptfix.cjs');
}
