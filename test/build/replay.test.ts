import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileModule, type Files } from '../../src/build/compile.ts';
import { startReplay } from '../../src/build/replay.ts';
import { MACHINE } from '../../src/build/toolchain/toolchain.ts';
import { readElf } from '../../src/elf/elf.ts';
import { bytesOfSection } from '../../src/elf/sections.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, put, sh, temporary, workspaceForTest } from '../machine/temporary.ts';
import { MODPOST, OF_2006, source, TODAY } from './small-kbuild.ts';

interface Trial {
  readonly makefile: string;
  readonly makeVars?: readonly string[];
  readonly unchanged?: Promise<Files>;
  readonly version?: string;
}

async function trial({ makefile, makeVars = [], unchanged, version = '6.1.9' }: Trial) {
  const base = await temporary();
  const workspace = await workspaceForTest(base);
  await put(workspace.folder, { 'headers/Makefile': makefile, 'headers/scripts/modpost': MODPOST });
  const notes: string[] = [];
  const common = {
    workspace,
    headers: {
      folder: '/headers',
      binds: [{ from: workspace.at('headers'), to: '/headers' }],
      version,
    },
    module: 'mptscsih',
    makeVars,
    toolchain: MACHINE,
    progress: { note: (text: string) => void notes.push(text), bytes: () => {} },
    signal: new AbortController().signal,
  };
  const replay = startReplay({
    ...common,
    label: 'unchanged',
    files: unchanged ?? Promise.resolve(source(1)),
    linker: { ld: ['ld', '-m', 'elf_x86_64'], nm: ['nm'] },
  });
  const kbuild = compileModule({ ...common, label: 'patched', files: source(2), heardBy: replay });
  kbuild.finally(replay.kbuildEnded).catch(() => {});
  const made = (label: string, files: Files) => compileModule({ ...common, label, files });
  return { kbuild, replayed: replay.result(), made, workspace, base };
}

const text = (bytes: Uint8Array, section: string): string =>
  Buffer.from(bytesOfSection(readElf(bytes), section) ?? []).toString();

describe.each([
  ['a kernel of today', TODAY, '6.1.9'],
  ['a kernel of 2006', OF_2006, '2.6.18'],
])('on %s', (_kernel, makefile, version) => {
  test('the commands of one module’s kbuild make of another source what make makes of it', async () => {
    const { kbuild, replayed, made } = await trial({ makefile, version });
    const patched = await kbuild;
    const unchanged = await replayed;
    if (typeof unchanged === 'string') throw new Error(unchanged);
    expect(unchanged.bytes.equals((await made('by-make', source(1))).bytes)).toBe(true);
    expect(unchanged.bytes.equals(patched.bytes)).toBe(false);
    // modpost has read the unchanged source, and what kbuild told it of the module.
    expect(text(unchanged.bytes, '.modinfo')).not.toBe(text(patched.bytes, '.modinfo'));
    expect(text(unchanged.bytes, '.list')).toMatch(/mptscsih\.o 1/);
    expect(unchanged.replayed?.map((command) => command.split(' ')[0])).toEqual(['gcc', 'sh', 'gcc', 'ld']);
    expect(unchanged.log).toContain(unchanged.replayed?.[0]);
  });
});

describe('the commands do not serve', () => {
  test.each([
    ['kbuild does not say them', TODAY, ['V='], /did not say its commands/],
    [
      'it has recorded another',
      TODAY.replace('$(call record,$(object),$(compile))', '$(call record,$(object),$(compile) -O3)'),
      [],
      /recorded another command to compile/,
    ],
    [
      'it has recorded none',
      TODAY.replace('$(call record,$(object),$(compile))', 'true; :> $(M)/.mptscsih.o.cmd'),
      [],
      /recorded another command to compile/,
    ],
    [
      'it compiles twice',
      TODAY.replace('modules:\n', 'modules:\n\t@set -e; $(call say,$(compile))\n'),
      [],
      /2 commands to compile/,
    ],
    [
      'it does not say how it links',
      TODAY.replace('$(call say,$(link))', '$(link)'),
      [],
      /0 commands to link/,
    ],
    [
      'a command looks at how often it ran',
      TODAY.replace('$(call cc) $(object)', 'test ! -e $(M)/../kbuild && $(call cc) $(object)'),
      [],
      /status 1/,
    ],
    [
      'what they make is a link to another file',
      TODAY.replace('link = ', 'link = test ! -e $(M)/../kbuild || ln -s /etc/passwd $(M)/$(name).ko; : '),
      [],
      /no module|status/,
    ],
  ])('where %s', async (_what, makefile, makeVars, why) => {
    const { kbuild, replayed } = await trial({ makefile, makeVars });
    await kbuild.catch(() => {});
    expect(await replayed).toMatch(why);
  });

  test('where kbuild fails, and its error is the build’s', async () => {
    const { kbuild, replayed } = await trial({
      makefile: TODAY.replace('-DMODULE', '-DMODULE -DIF=2 -include none.h'),
    });
    expect((await failureOf(kbuild)).what).toContain('none.h');
    expect(typeof (await replayed)).toBe('string');
  });

  test('where the unchanged source does not compile', async () => {
    const broken = new Map(source(1)).set('mptscsih.c', Buffer.from('int mptscsih_io_done(void) {\n'));
    const { kbuild, replayed } = await trial({ makefile: TODAY, unchanged: Promise.resolve(broken) });
    await kbuild;
    expect(await replayed).toMatch(/ended with status 1/);
  });
});

test('what keeps the driver from coming is what the replay fails with', async () => {
  const never = Promise.reject(new Error('the archive is damaged'));
  never.catch(() => {});
  const { kbuild, replayed } = await trial({ makefile: TODAY, unchanged: never });
  await kbuild;
  await expect(replayed).rejects.toThrow('the archive is damaged');
});

test('no command of a tree writes outside of the module’s folder, or into that of the other module', async () => {
  const outside = await temporary({ file: 'x' });
  const before = listing(outside);
  const hostile = `touch ${outside}/hit /headers/hit $(M)/../kbuild/hit 2>/dev/null || :; `;
  const makefile = TODAY.replace('compile = ', `compile = ${hostile}`);
  const { kbuild, replayed, workspace } = await trial({ makefile });
  await kbuild;
  expect(typeof (await replayed)).toBe('object');
  expect(listing(outside)).toEqual(before);
  expect(sh('find "$1" -name hit', workspace.folder)).toBe('');
  expect(readFileSync(workspace.at('patched/mptscsih.c'), 'utf8')).toContain('return 2');
});
