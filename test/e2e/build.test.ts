import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { json, mptfix, type Run } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { modulePath } from '../helpers/slim-guest.ts';

const fixture = inject('fixture');
const { guest, source, release } = fixture;
const affected = join(guest, modulePath(release));
let work = '';
/** The distro's headers, unpacked in a folder that everybody can enter. */
let headers = '';

beforeAll(() => {
  work = mkdtempSync(join(dirname(dirname(guest)), 'build-'));
  execFileSync('chmod', ['755', work]);
  const tree = join(work, 'headers');
  mkdirSync(join(tree, 'usr'), { recursive: true });
  for (const name of ['usr/src', 'usr/lib']) execFileSync('cp', ['-al', join(guest, name), join(tree, name)]);
  headers = join(tree, 'usr/src', `linux-headers-${release}`);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

let counter = 0;
function output(): string {
  counter += 1;
  return join(work, `out-${counter}`);
}

function build(args: readonly string[], out: string, env: Record<string, string> = {}): Promise<Run> {
  const cache = env.XDG_CACHE_HOME === undefined ? ['--no-cache'] : [];
  return mptfix(['build', '--output', out, '--json', ...cache, ...args], { env });
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look into the document
function proofs(run: Run): Record<string, any> {
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into the document
  return Object.fromEntries(json(run).artifact.proofs.map((proof: any) => [proof.name, proof]));
}

/** A private copy of the headers, of which one file may be replaced. */
function headersWith(name: string, file: string, change: (text: string) => string): string {
  const tree = join(work, name);
  execFileSync('cp', ['-al', join(work, 'headers'), tree]);
  const path = join(tree, 'usr/src', `linux-headers-${release}`, file);
  const text = change(readFileSync(path, 'latin1'));
  rmSync(path);
  writeFileSync(path, text, 'latin1');
  return dirname(path.slice(0, path.length - file.length + 1));
}

function sourceWith(name: string, change: (text: string) => string): string {
  const folder = join(work, name);
  cpSync(source, folder, { recursive: true });
  const file = join(folder, 'drivers/message/fusion/mptscsih.c');
  writeFileSync(file, change(readFileSync(file, 'latin1')), 'latin1');
  return folder;
}

/** A compiler that the kernel was not built with. */
function otherCompiler(): string {
  const names = readdirSync('/usr/bin').filter((name) => /^gcc-\d+$/.test(name));
  const own = /CONFIG_CC_VERSION_TEXT="(gcc-\d+)/.exec(readFileSync(join(headers, '.config'), 'utf8'))?.[1];
  const other = names.find((name) => name !== own);
  if (other === undefined) throw new Error('scripts/setup.mjs should have brought a second gcc');
  return other;
}

describe('proofs', () => {
  test('the distro’s own source, headers and compiler give the distro’s own module again', async () => {
    const out = output();
    const run = await build(
      [
        '--source',
        fixture.tarball,
        '--headers',
        headers,
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
    expect(readdirSync(out).sort()).toEqual(
      ['build.log', 'manifest.json', basename(fixture.distroModule)].sort(),
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
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).toEqual(json(run));
    expect(listing(guest)).toEqual(before);
  });

  const wrong: readonly (readonly [string, string, RegExp, () => string[]])[] = [
    [
      'one changed byte in the source',
      'E_PROOF_PROVENANCE',
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
      /was built by \d+\.\d+\.\d+ .*apt-get install gcc-/,
      () => ['--source', source, '--make-var', `CC=${otherCompiler()}`],
    ],
  ];
  for (const [name, code, says, args] of wrong) {
    test(`${name} fails the right one, exit 7, nothing is written`, async () => {
      const out = output();
      const before = listing(guest);
      const given = args();
      const own = given.includes('--headers') ? [] : ['--headers', headers];
      const run = await build([...given, ...own, '--root', guest], out);
      expect([run.status, json(run).error.code]).toEqual([7, code]);
      expect(json(run).error.what).toMatch(says);
      expect(readdirSync(out)).toEqual([]);
      expect(listing(guest)).toEqual(before);
    });
  }

  test('--allow-unproven goes on without provenance, and the manifest says that it was waived', async () => {
    const changed = sourceWith('waived', (text) =>
      text.replace('Fusion MPT SCSI Host driver', 'Fusion MPT SCSI host driver'),
    );
    const run = await build(['--source', changed, '--root', guest, '--allow-unproven'], output());
    expect(run.status).toBe(0);
    expect(proofs(run).provenance).toMatchObject({ ok: false, waived: true });
  });
});

describe('packing and signing', () => {
  for (const [suffix, tool] of [
    ['.xz', ['xz', '-c', '--check=crc32']],
    ['.gz', ['gzip', '-c']],
    ['.zst', ['zstd', '-cq']],
  ] as const) {
    test(`a ${suffix} module is replaced by a ${suffix} module`, async () => {
      const shipped = join(work, `mptscsih.ko${suffix}`);
      const [file, ...args] = tool;
      writeFileSync(shipped, execFileSync(file, [...args, affected], { maxBuffer: 1 << 26 }));
      const out = output();
      const run = await build(['--source', source, '--headers', headers, '--module', shipped], out);
      expect(run.status).toBe(0);
      expect(proofs(run).compression.ok).toBe(true);
      const made = join(out, `mptscsih.ko${suffix}`);
      expect(json(run).module.file).toBe(made);
      if (suffix === '.xz') expect(execFileSync('xz', ['-lv', made]).toString()).toContain('CRC32');
      expect((await mptfix(['check', '--module', made])).status).toBe(0);
    });
  }

  test('a module is signed by the kernel’s own tool, and the signature is verified', async () => {
    const key = join(work, 'key.pem');
    const certificate = join(work, 'cert.pem');
    execFileSync(
      'openssl',
      [
        'req',
        '-new',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=owner/',
        '-keyout',
        key,
        '-out',
        certificate,
      ],
      { stdio: 'ignore' },
    );
    const out = output();
    const run = await build(
      ['--source', source, '--root', guest, '--sign-key', key, '--sign-cert', certificate],
      out,
    );
    expect(run.status).toBe(0);
    expect(proofs(run).signature.ok).toBe(true);
    expect(
      execFileSync('modinfo', ['-F', 'signer', json(run).module.file])
        .toString()
        .trim(),
    ).toBe('owner');
    const text = `${run.stderr}${readFileSync(join(out, 'build.log'), 'utf8')}${run.stdout}`;
    expect(text).not.toContain('PRIVATE KEY');
    const half = await build(['--source', source, '--root', guest, '--sign-key', key], output());
    expect([half.status, json(half).error.code]).toEqual([2, 'E_USAGE']);
  });
});

describe('the cache', () => {
  const args = (): string[] => ['--source', source, '--headers', headers, '--module', affected];

  test('gives the same module without a compiler; a damaged entry and an other input are not believed', async () => {
    const env = { XDG_CACHE_HOME: join(work, 'cache') };
    mkdirSync(env.XDG_CACHE_HOME);
    const [first, second, third] = [output(), output(), output()];
    expect((await build(args(), first, env)).status).toBe(0);
    expect((await build(args(), second, env)).status).toBe(0);
    const file = (out: string): Buffer => readFileSync(join(out, basename(affected)));
    expect(file(second)).toEqual(file(first));
    expect(readFileSync(join(second, 'build.log'), 'utf8')).toContain('taken from the cache');
    expect(readFileSync(join(first, 'build.log'), 'utf8')).not.toContain('taken from the cache');
    for (const name of readdirSync(join(env.XDG_CACHE_HOME, 'mptfix'))) {
      const path = join(env.XDG_CACHE_HOME, 'mptfix', name);
      writeFileSync(path, readFileSync(path).subarray(0, -7));
    }
    expect((await build(args(), third, env)).status).toBe(0);
    expect(readFileSync(join(third, 'build.log'), 'utf8')).not.toContain('taken from the cache');
    const other = output();
    expect((await build([...args(), '--make-var', 'KCFLAGS=-DOTHER'], other, env)).status).toBe(0);
    expect(readFileSync(join(other, 'build.log'), 'utf8')).not.toContain('taken from the cache');
  });

  test('is not used where others could write to it, nor with --no-cache', async () => {
    const env = { XDG_CACHE_HOME: join(work, 'open-cache') };
    mkdirSync(join(env.XDG_CACHE_HOME, 'mptfix'), { recursive: true });
    execFileSync('chmod', ['777', join(env.XDG_CACHE_HOME, 'mptfix')]);
    expect((await build(args(), output(), env)).status).toBe(0);
    expect(readdirSync(join(env.XDG_CACHE_HOME, 'mptfix'))).toEqual([]);
    const closed = { XDG_CACHE_HOME: join(work, 'closed-cache') };
    mkdirSync(closed.XDG_CACHE_HOME);
    expect((await build([...args(), '--no-cache'], output(), closed)).status).toBe(0);
    expect(existsSync(join(closed.XDG_CACHE_HOME, 'mptfix'))).toBe(false);
  });
});

describe('processes', () => {
  test('none of a build’s runs as root, and none can reach the source that was given', async () => {
    const seen = new Set<string>();
    const timer = setInterval(() => {
      for (const line of compilers(work)) seen.add(line.trim().split(/\s+/)[0] ?? '');
    }, 30);
    const folder = join(work, 'tmp-1');
    mkdirSync(folder, { mode: 0o755 });
    const before = listing(source);
    const run = await build(['--source', source, '--root', guest, '--work', folder], output());
    clearInterval(timer);
    expect(run.status).toBe(0);
    expect(seen.size).toBeGreaterThan(0);
    expect([...seen]).not.toContain('0');
    expect(listing(source)).toEqual(before);
  });

  for (let moment = 1; moment <= 10; moment += 1) {
    test(`SIGTERM after ${moment * 200} ms leaves no child and no folder`, async () => {
      const folder = join(work, `term-${moment}`);
      mkdirSync(folder, { mode: 0o755 });
      const out = output();
      const run = await mptfix(
        ['build', '--output', out, '--no-cache', '--source', source, '--root', guest, '--work', folder],
        { started: (kill) => void setTimeout(() => kill('SIGTERM'), moment * 200) },
      );
      expect(compilers(folder)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
      // Either it was in time, or the build was done before the signal came.
      expect([143, 0]).toContain(run.status);
      if (run.status === 143) expect(existsSync(join(out, 'manifest.json'))).toBe(false);
    });
  }
});

/** `UID COMMAND` of every make, compiler or linker that names the folder. */
function compilers(folder: string): string[] {
  const text = execFileSync('ps', ['-eo', 'uid=,stat=,args=']).toString();
  return text
    .split('\n')
    .filter(
      (line) =>
        line.includes(folder) &&
        /make|cc1|modpost|gcc|objtool/.test(line) &&
        !/mptfix\.cjs|^\s*\d+ Z/.test(line),
    );
}

describe('wrong words', () => {
  for (const [name, args] of [
    ['a --make-var without a value', ['--make-var', 'CC']],
    ['a --make-var that mptfix sets itself', ['--make-var', 'M=/etc']],
    ['a --make-var that is an option of make', ['--make-var', '-f/etc/passwd']],
  ] as const) {
    test(`${name} is a usage error`, async () => {
      const run = await build(['--source', source, '--root', guest, ...args], output());
      expect([run.status, json(run).error.code]).toEqual([2, 'E_USAGE']);
    });
  }

  test('a --make-var with shell metacharacters reaches make as one word', async () => {
    const marker = join(work, 'marker');
    const run = await build(
      ['--source', source, '--root', guest, '--make-var', `UNUSED=$(touch ${marker});touch ${marker}`],
      output(),
    );
    expect(run.status).toBe(0);
    expect(existsSync(marker)).toBe(false);
  });

  test('an output folder that cannot be made is told before the build', async () => {
    const run = await build(['--source', source, '--root', guest], '/proc/nowhere');
    expect([run.status, json(run).error.code]).toEqual([3, 'E_OUTPUT']);
  });
});
