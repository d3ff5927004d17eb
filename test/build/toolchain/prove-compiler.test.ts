import { execFileSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { withNamedTools } from '../../../src/build/toolchain/named-tools.ts';
import {
  askCompiler,
  describeCompiler,
  proveCompiler,
  requireCompilerOfEra,
} from '../../../src/build/toolchain/prove-compiler.ts';
import { MACHINE, openToolchain } from '../../../src/build/toolchain/toolchain.ts';
import { readElf } from '../../../src/elf/elf.ts';
import type { Argv } from '../../../src/machine/program.ts';
import { failureOf, sh, temporary, workspaceForTest } from '../../machine/temporary.ts';

const OWN = execFileSync('gcc', ['-dumpfullversion', '-dumpversion']).toString().trim();

/** A module's object by this machine's gcc, whose `.comment` says what is given; undefined: it has none. */
async function shipped(comment: string | undefined, vermagic?: string) {
  const folder = await temporary({
    'x.c': `${vermagic === undefined ? '' : `const char info[] __attribute__((section(".modinfo"))) = "vermagic=${vermagic}";`}int x;`,
    comment: `\0${comment ?? ''}\0`,
  });
  const how = comment === undefined ? '' : '--add-section .comment="$1"/comment';
  sh(`gcc -c "$1"/x.c -o "$1"/x.o && objcopy --remove-section .comment ${how} "$1"/x.o`, folder);
  return readElf(execFileSync('cat', [`${folder}/x.o`]));
}

async function prove(elf: Awaited<ReturnType<typeof shipped>>, config = '', words: Argv = ['gcc']) {
  const workspace = await workspaceForTest();
  onTestFinished(() => workspace.dispose());
  const tool = { name: 'gcc', package: 'gcc' };
  return proveCompiler(workspace, MACHINE, { words, tool, shipped: elf, config });
}

test.each([
  [
    'the module’s own words',
    `GCC: (GNU) ${OWN} 20240101 (Red Hat ${OWN}-52)`,
    true,
    'the guest’s module says',
  ],
  [
    'two compilers, this one among them',
    `GCC: (GNU) 3.4.5 20051201\0GCC: (Debian) ${OWN}`,
    true,
    `3.4.5 and ${OWN}`,
  ],
  ['an older one', 'GCC: (GNU) 4.1.1 20070105 (Red Hat 4.1.1-52)', false, 'was built by 4.1.1'],
  [
    'one of this package’s version',
    `GCC: (GNU) 4.1.1 20070105 (Red Hat ${OWN})`,
    false,
    'was built by 4.1.1',
  ],
])('the compiler is proven by %s', async (_, comment, ok, words) => {
  const proof = await prove(await shipped(comment));
  expect([proof.ok, proof.detail]).toEqual([ok, expect.stringContaining(words)]);
});

test('where the module says nothing, the configuration does, then the vermagic', async () => {
  const none = await shipped(undefined);
  const config = (version: string) =>
    `CONFIG_CC_VERSION_TEXT="gcc (GCC) ${version} 20210514 (Red Hat ${version}-20)"\n`;
  expect((await prove(none, config(OWN))).ok).toBe(true);
  expect((await prove(none, config('8.5.0'))).detail).toContain('8.5.0 (the kernel’s .config says so)');
  const short = OWN.split('.').slice(0, 2).join('.');
  expect((await prove(await shipped(undefined, `2.6.15-28-686 SMP 686 gcc-${short}`))).ok).toBe(true);
  expect((await prove(await shipped(undefined, '2.6.15-28-686 SMP 686 gcc-4.0'))).detail).toContain(
    '4.0 (the vermagic',
  );
});

test('where nothing says it, the proof fails', async () => {
  const proof = await prove(await shipped(undefined));
  expect([proof.ok, proof.detail]).toEqual([false, expect.stringContaining('nothing says which compiler')]);
  expect((await prove(await shipped('Linker: LLD 14.0.6'))).ok).toBe(false);
});

test('a compiler of several words is asked as it is called, and one that is not there is told', async () => {
  const elf = await shipped(`GCC: (GNU) ${OWN}`);
  expect((await prove(elf, '', ['gcc', '-m32'])).detail).toMatch(/^gcc -m32 /);
  expect((await prove(elf, '', ['no-such-gcc'])).detail).toContain('cannot be run');
});

test('a tree whose compiler is of another version needs another tree, and one without needs a package', async () => {
  const workspace = await workspaceForTest();
  onTestFinished(() => workspace.dispose());
  const root = await temporary({ 'usr/bin/gcc': '#!/bin/sh\necho 3.4.6\n', 'etc/debian_version': '3.1\n' });
  sh(
    'mkdir "$1/bin" && cp "$(realpath /bin/sh)" "$1/bin/sh" && chmod -R a+rX "$1" && chmod a+x "$1/usr/bin/gcc" && ldd /bin/sh | grep -o "/[^ ]* " | while read -r one; do mkdir -p "$1$(dirname "$one")" && cp -L "$one" "$1/$one"; done',
    root,
  );
  const toolchain = await openToolchain(root, undefined);
  const tool = { name: 'gcc', package: 'gcc' };
  const wanted = { tool, shipped: await shipped('GCC: (GNU) 4.1.2'), config: '' };
  const another = await proveCompiler(workspace, toolchain, { words: ['gcc'], ...wanted });
  expect([another.ok, another.detail]).toEqual([
    false,
    `gcc of ${root} is 3.4.6, and the guest’s module was built by 4.1.2; give --toolchain guest, or --toolchain DIR, the / of a system with that version`,
  ]);
  const missing = await proveCompiler(workspace, toolchain, { words: ['gcc-4.1'], ...wanted });
  expect([missing.ok, missing.detail]).toEqual([false, expect.stringContaining('apt-get install --yes gcc')]);
});

test('an old compiler, which knows -dumpversion alone, and its like are understood', async () => {
  const workspace = await workspaceForTest();
  const old = (body: string) => `#!/bin/sh\nfor word; do case $word in\n${body}\nesac; done\nexit 1\n`;
  const folder = await temporary({
    egcs: old(
      '-dumpversion) echo egcs-2.91.66; exit ;; -dumpfullversion) exit 1 ;; --version) echo egcs-2.91.66; exit ;;',
    ),
    'gcc-3.4': old(
      '-dump*) echo 3.4.6; exit ;; --version) echo "gcc (GCC) 3.4.6 20060404 (Red Hat 3.4.6-3)"; exit ;;',
    ),
    clang: old('-dump*) echo 4.2.1; exit ;; --version) echo "clang version 14.0.6"; exit ;;'),
    silent: '#!/bin/sh\nexit 1\n',
  });
  sh('chmod 755 "$1"/*', folder);
  const found: (string | undefined)[] = [];
  for (const name of ['egcs', 'gcc-3.4', 'clang', 'silent']) {
    const path = `${folder}/${name}`;
    const toolchain = await withNamedTools(MACHINE, [`CC=${path}`]);
    found.push((await askCompiler(workspace, toolchain, [path])).version);
  }
  expect(found).toEqual(['2.91.66', '3.4.6', '14.0.6', undefined]);
});

test('this machine’s gcc is not used for kernels that do not know it, unless somebody says so', async () => {
  const workspace = await workspaceForTest();
  const require = (base: string, isChosen: boolean) =>
    requireCompilerOfEra(workspace, { ...MACHINE, isChosen }, { words: ['gcc'], base });
  const { code, what, next } = await failureOf(require('2.6.18', false));
  expect([code, what]).toEqual([
    'E_TOOLCHAIN',
    `gcc of this machine is ${OWN}, and a kernel 2.6.18 needs gcc 3.2 to 4.9`,
  ]);
  expect(next).toContain('--toolchain guest');
  await require('2.6.18', true);
  await require('6.1.9', false);
});

test('a manifest has the compiler’s own line and its hash', async () => {
  const workspace = await workspaceForTest();
  const { version, sha256, ...rest } = await describeCompiler(workspace, MACHINE, ['gcc', '-m32']);
  expect(rest).toEqual({ kind: 'machine', origin: 'this machine' });
  expect(version).toContain(OWN);
  expect(sha256).toBe(execFileSync('sh', ['-c', 'sha256sum < "$(command -v gcc)"']).toString().slice(0, 64));
});
