import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { buildBench, proofs } from '../helpers/build.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { copyBundle } from '../helpers/many-runs.ts';

const fixture = inject('fixture');
const { guest, source, release } = fixture;
const { at, headers, output, build } = buildBench(fixture);

/** A private copy of the headers, of which one file may be replaced. */
function headersWith(name: string, file: string, change: (text: string) => string): string {
  const tree = at(name);
  execFileSync('cp', ['-al', at('headers'), tree]);
  const path = join(tree, 'usr/src', `linux-headers-${release}`, file);
  const text = change(readFileSync(path, 'latin1'));
  rmSync(path);
  writeFileSync(path, text, 'latin1');
  return dirname(path.slice(0, path.length - file.length + 1));
}

function sourceWith(name: string, change: (text: string) => string): string {
  const folder = at(name);
  cpSync(source, folder, { recursive: true });
  const file = join(folder, 'drivers/message/fusion/mptscsih.c');
  writeFileSync(file, change(readFileSync(file, 'latin1')), 'latin1');
  return folder;
}

/** A compiler that the kernel was not built with. */
function otherCompiler(): string {
  const names = readdirSync('/usr/bin').filter((name) => /^gcc-\d+$/.test(name));
  const own = /CONFIG_CC_VERSION_TEXT="(gcc-\d+)/.exec(readFileSync(join(headers(), '.config'), 'utf8'))?.[1];
  const other = names.find((name) => name !== own);
  if (other === undefined) throw new Error('scripts/setup.mjs should have brought a second gcc');
  return other;
}

test('a user who is not root builds, too, with the same proofs and in the same sandbox', async () => {
  const folder = at('another-user');
  mkdirSync(folder);
  chownSync(folder, 65534, 65534);
  const bundle = copyBundle(at('mptfix'));
  execFileSync('chmod', ['-R', 'a+rX', bundle, dirname(guest), dirname(source)]);
  const inputs = ['--source', source, '--headers', headers(), '--root', guest, '--no-cache'];
  const run = await mptfix(
    ['build', '--output', join(folder, 'out'), '--work', folder, '--json', ...inputs],
    { uid: 65534, gid: 65534, bin: join(bundle, 'bin/mptfix.cjs') },
  );
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: run.stderr });
  expect(Object.values(proofs(run)).every(({ ok }) => ok)).toBe(true);
  expect(readdirSync(folder)).toEqual(['out']);
});

describe('proofs', () => {
  test('the distro’s own source, headers and compiler give the distro’s own module again', async () => {
    const out = output();
    const run = await build(
      [
        '--source',
        fixture.tarball,
        '--headers',
        headers(),
        '--module',
        fixture.distroModule,
        '--kernel',
        release,
      ],
      out,
    );
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({
      schema: 'mptfix.build/1',
      result: 'rebuilt',
      artifact: { patch: null },
    });
    expect(proofs(run).provenance.ok).toBe(true);
    for (const section of ['.text', '.rodata', '.data', '__versions', '__ksymtab']) {
      expect(proofs(run).provenance.detail.split(' ')).toContain(section);
    }
    const bundle = `mptfix-mptscsih-${release}-x86_64.run`;
    expect(readdirSync(out).sort()).toEqual(
      ['build.log', 'manifest.json', bundle, `${bundle}.intoto.json`, basename(fixture.distroModule)].sort(),
    );
  });

  test('a patched module differs in one function, and the manifest names all the evidence', async () => {
    const out = output();
    const before = listing(guest);
    const run = await build(['--source', source, '--root', guest], out);
    expect(run.status).toBe(0);
    const all = proofs(run);
    expect(Object.keys(all)).toEqual([
      'version',
      'compiler',
      'vermagic',
      'relocations',
      'symbol CRCs',
      'exports',
      'provenance',
      'only the branch',
      'branch',
      'dependencies',
      'compression',
    ]);
    expect(Object.values(all).every(({ ok }) => ok)).toBe(true);
    expect(all['only the branch'].detail).toMatch(/^only mptscsih_io_done differs/);
    const { command, unchanged } = json(run).artifact;
    expect(command).toContain('V=1');
    expect(unchanged).toEqual({
      madeBy: 'recorded commands',
      commands: [
        expect.stringMatching(/-o \S+\/mptscsih\.o .*objtool/),
        expect.stringContaining('scripts/mod/modpost '),
        expect.stringContaining('/mptscsih.mod.c'),
        expect.stringMatching(/^ld -r .*\.ko /),
      ],
      whyMake: null,
    });
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).toEqual(json(run));
    expect(listing(guest)).toEqual(before);
  });

  test('where kbuild may not say its commands, make builds the unchanged source too, and the manifest says why', async () => {
    const run = await build(['--source', source, '--root', guest, '--make-var', 'V=0'], output());
    expect(run.status).toBe(0);
    expect(Object.values(proofs(run)).every(({ ok }) => ok)).toBe(true);
    const { unchanged, command } = json(run).artifact;
    expect(unchanged).toEqual({
      madeBy: 'make',
      commands: [command.join(' ').replace(' V=1', '')],
      whyMake: 'kbuild did not say its commands',
    });
  });

  const wrong: readonly (readonly [string, string, string, RegExp, () => string[]])[] = [
    [
      'one changed byte in the source',
      'E_PROOF_PROVENANCE',
      'provenance',
      /srcversion/,
      () => [
        '--source',
        sourceWith('byte', (text) =>
          text.replace('Fusion MPT SCSI Host driver', 'Fusion MPT SCSI host driver'),
        ),
      ],
    ],
    [
      'one CRC edited in Module.symvers',
      'E_PROOF_CRC',
      'symbol CRCs',
      /mpt_get_msg_frame 0x/,
      () => [
        '--source',
        source,
        '--headers',
        headersWith('crc', 'Module.symvers', (text) =>
          text.replace(/^0x[0-9a-f]{8}(\tmpt_get_msg_frame\t)/m, '0x12345678$1'),
        ),
      ],
    ],
    [
      'headers of an other release',
      'E_PROOF_VERSION',
      'version',
      /6\.1\.0-1-other/,
      () => [
        '--source',
        source,
        '--headers',
        headersWith(
          'release',
          'include/generated/utsrelease.h',
          () => '#define UTS_RELEASE "6.1.0-1-other"\n',
        ),
      ],
    ],
    [
      'headers with an other configuration',
      'E_PROOF_VERMAGIC',
      'vermagic',
      /vermagic/,
      () => [
        '--source',
        source,
        '--headers',
        headersWith('config', 'include/generated/autoconf.h', (text) =>
          text.replace('#define CONFIG_MODULE_UNLOAD 1', ''),
        ),
      ],
    ],
    [
      'an other compiler',
      'E_PROOF_COMPILER',
      'compiler',
      /was built by \d+\.\d+\.\d+.*apt-get install --yes gcc-/,
      () => ['--source', source, '--make-var', `CC=${otherCompiler()}`],
    ],
  ];
  for (const [name, code, proof, says, args] of wrong) {
    test(`${name} fails the right one, exit 7, nothing is written`, async () => {
      const out = output();
      const before = listing(guest);
      const given = args();
      const own = given.includes('--headers') ? [] : ['--headers', headers()];
      const run = await build([...given, ...own, '--root', guest], out);
      expect([run.status, json(run).error.code]).toEqual([7, code]);
      expect(json(run).error.what).toContain(`proof “${proof}” failed: `);
      expect(json(run).error.what).toMatch(says);
      expect(readdirSync(out)).toEqual([]);
      expect(listing(guest)).toEqual(before);
    });
  }

  test('--allow-unproven continues without provenance, and the manifest says that it was waived', async () => {
    const changed = sourceWith('waived', (text) =>
      text.replace('Fusion MPT SCSI Host driver', 'Fusion MPT SCSI host driver'),
    );
    const run = await build(['--source', changed, '--root', guest, '--allow-unproven'], output());
    expect(run.status).toBe(0);
    expect(proofs(run).provenance).toMatchObject({ ok: false, waived: true });
  });
});
