import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readHeaders } from '../../src/kernel-source/headers.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { type Entries, temporary, workspaceForTest } from '../machine/temporary.ts';
import { DEBIAN, DEBIAN_BUILD } from './header-layouts.ts';

/** No machine has it, so that the tests need no program of i386 to be installed, or not to be. */
export const LOADER = '/lib/ld-mptfix-test.so.2';
export const FIXDEP = 'usr/lib/linux-kbuild-6.1/scripts/basic/fixdep';

/** Real programs of i386, made by this machine's gcc without any library. */
export const { program, loader, library } = make32();

function make32() {
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-i386-'));
  const compile = (name: string, code: string, ...words: readonly string[]): Buffer => {
    const [source, output] = [join(folder, `${name}.c`), join(folder, name)];
    writeFileSync(source, code);
    execFileSync('gcc', ['-m32', '-w', '-nostdlib', '-ffreestanding', ...words, '-o', output, source]);
    return readFileSync(output);
  };
  try {
    // The kernel starts the loader in the program's place: this one says so, and ends with 1 as fixdep does.
    const call = (number: number, first: string, more = '') =>
      `__asm__ volatile("int $0x80" : : "a"(${number}), "b"(${first})${more} : "memory");`;
    const says = `${call(4, '2', ', "c"("loaded\\n"), "d"(7)')} ${call(1, '1')}`;
    return {
      loader: compile('loader', `void _start(void) { ${says} for (;;); }`, '-static', '-no-pie', '-fno-pic'),
      program: compile(
        'program',
        'void _start(void) { for (;;); }',
        ...['-pie', `-Wl,--dynamic-linker=${LOADER}`],
      ),
      library: compile('library', 'int x;', '-shared'),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As Debian packs them. Its layout for tests has a file in the place of the folder. */
const { 'usr/lib/linux-kbuild-6.1/scripts/basic': _, ...HEADERS } = DEBIAN;
export const GUEST: Entries = {
  ...HEADERS,
  [FIXDEP]: program,
  [LOADER.slice(1)]: { link: 'i386-linux-gnu/ld.so' },
  'lib/i386-linux-gnu/ld.so': loader,
  'lib/i386-linux-gnu/libc.so.6': library,
};

export const tree = async (entries: Entries) => rootTarget(await temporary(entries), { dryRun: true });

/** The headers of a guest’s tree, read to be used, with a fixdep that may be run. */
export async function readTree(entries: Entries) {
  const guest = await tree(entries);
  const workspace = await workspaceForTest();
  const before = listing(guest.name);
  const headers = await readHeaders(guest, DEBIAN_BUILD, workspace, { libraries: [guest] });
  expect(listing(guest.name)).toEqual(before);
  const executable = headers.binds.find(({ to }) => to === '/usr/lib/linux-kbuild-6.1')?.from ?? '';
  execFileSync('chmod', ['755', join(executable, 'scripts/basic/fixdep')]);
  return { workspace, headers };
}
