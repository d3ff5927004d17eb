import { expect, test } from 'vitest';
import { proveProvenance } from '../../src/build/compare-builds.ts';
import { type CompileOptions, compileModule } from '../../src/build/compile.ts';
import { startReplay } from '../../src/build/replay.ts';
import type { Building, Builds } from '../../src/build/running-builds.ts';
import { decidedByMake } from '../../src/build/second-make.ts';
import { MACHINE } from '../../src/build/toolchain/toolchain.ts';
import { readElf } from '../../src/elf/elf.ts';
import type { DriverFiles } from '../../src/kernel-source/driver-files.ts';
import type { Headers } from '../../src/kernel-source/headers.ts';
import { put, temporary, workspaceForTest } from '../machine/temporary.ts';
import { MODPOST, source, TODAY } from './small-kbuild.ts';

/** The compiler is told by make's own environment, of which no command says anything. */
const BY_ENVIRONMENT = `export EXTRA := -DANSWER=7\n${TODAY.replace('-DMODULE', () => '-DMODULE $$EXTRA')}`;

const EITHER = '\n#ifdef ANSWER\nANSWER\n#else\n1\n#endif\n';

/** A guest whose own module has one answer, and the build of a source with another or the same. */
async function trial(makefile: string, shippedAnswer: string, answer: string) {
  const workspace = await workspaceForTest(await temporary());
  await put(workspace.folder, { 'headers/Makefile': makefile, 'headers/scripts/modpost': MODPOST });
  const headers = {
    folder: '/headers',
    binds: [{ from: workspace.at('headers'), to: '/headers' }],
    version: '6.1.9',
  } as unknown as Headers;
  const notes: string[] = [];
  const common: Omit<CompileOptions, 'files' | 'label'> = {
    workspace,
    headers,
    module: 'mptscsih',
    toolchain: MACHINE,
    progress: { note: (text) => void notes.push(text), bytes: () => {} },
    signal: new AbortController().signal,
  };
  const shipped = await compileModule({ ...common, label: 'shipped', files: source(shippedAnswer) });
  const files = source(answer);
  const replay = startReplay({
    ...common,
    label: 'unchanged',
    files: Promise.resolve(files),
    linker: { ld: ['ld', '-m', 'elf_x86_64'], nm: ['nm'] },
  });
  const patched = await compileModule({ ...common, label: 'patched', files: source('2'), heardBy: replay });
  replay.kbuildEnded();
  const unchanged = await replay.result();
  if (typeof unchanged === 'string') throw new Error(unchanged);
  const context = {
    ...common,
    job: { module: { name: 'mptscsih' }, kernel: {}, shipped: { bytes: shipped.bytes } },
    options: { makeVars: [], wholeTree: false },
  } as unknown as Building;
  const builds: Builds = { patched, unchanged };
  const decided = await decidedByMake(
    context,
    { headers, source: { files } as unknown as DriverFiles, builds },
    readElf(unchanged.bytes),
  );
  const isShipped = (one: Builds): boolean =>
    proveProvenance(readElf(one.unchanged.bytes), readElf(shipped.bytes)).ok;
  return { builds, decided, isShipped, notes };
}

test('the module of kbuild’s commands is not made again where it is the guest’s', async () => {
  const { builds, decided, isShipped } = await trial(TODAY, '1', '1');
  expect([decided, isShipped(builds)]).toEqual([undefined, true]);
});

test('make has the last word where the commands alone do not make the guest’s module', async () => {
  const { builds, decided, isShipped, notes } = await trial(BY_ENVIRONMENT, EITHER, EITHER);
  expect(isShipped(builds)).toBe(false);
  if (decided === undefined) throw new Error('make should have decided');
  expect([isShipped(decided), decided.patched]).toEqual([true, builds.patched]);
  expect(decided.unchanged.replayed).toBe(undefined);
  expect(decided.unchanged.whyMake).toMatch(/^by kbuild’s commands: .*sections that differ: .*\.text/);
  expect(notes.join('\n')).toContain('make builds the unchanged source once more');
});

test('another source fails as it does with make', async () => {
  const { decided, isShipped } = await trial(TODAY, '1', '3');
  expect([decided?.unchanged.replayed, decided && isShipped(decided)]).toEqual([undefined, false]);
});
