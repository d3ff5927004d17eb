import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHeaders } from '../../src/kernel-source/headers.ts';
import { type Loader, programLibraries, programLoader } from '../../src/kernel-source/host-programs.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { failureOf, workspaceForTest } from '../machine/temporary.ts';
import { DEBIAN_BUILD } from './header-layouts.ts';
import { FIXDEP, GUEST, LOADER, library, loader, program, readTree, tree } from './programs-of-i386.ts';

describe('the loader of a build folder’s own programs', () => {
  test('is what fixdep names, through the links of the packages', async () => {
    const found = await programLoader(await tree(GUEST), DEBIAN_BUILD);
    expect(found).toEqual({ path: LOADER, bits: 32, program: 'scripts/basic/fixdep' });
  });

  test('is what modpost names where there is no fixdep', async () => {
    const { [FIXDEP]: _fixdep, ...others } = GUEST;
    const modpost = { 'usr/lib/linux-kbuild-6.1/scripts/mod/modpost': program };
    const found = await programLoader(await tree({ ...others, ...modpost }), DEBIAN_BUILD);
    expect(found?.program).toBe('scripts/mod/modpost');
  });

  test('of this machine’s programs is this machine’s', async () => {
    const guest = await tree({ ...GUEST, [FIXDEP]: readFileSync('/bin/sh') });
    const found = (await programLoader(guest, DEBIAN_BUILD)) as Loader;
    expect(found.bits).toBe(64);
    expect(await programLibraries(localTarget({ dryRun: true }), found, [])).toEqual([]);
  });

  test('is none where a script, an empty file or a static program is in its place', async () => {
    for (const content of ['#!/bin/sh\n', '', loader, program.subarray(0, 60)])
      expect(await programLoader(await tree({ ...GUEST, [FIXDEP]: content }), DEBIAN_BUILD)).toBe(undefined);
  });

  test('never is a path that leads anywhere, whatever is in the file', async () => {
    const reads = (content: Buffer) => ({
      stat: async () => ({ type: 'file' }) as never,
      readRange: async (_path: string, at: number, length: number) => content.subarray(at, at + length),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(program.length - 1), fc.nat(255)), { maxLength: 12 }),
        fc.nat(program.length),
        async (changes, end) => {
          const content = Buffer.from(program);
          for (const [at, value] of changes) content[at % 400] = value;
          const found = await programLoader(reads(content.subarray(0, end)), '/x');
          if (found !== undefined) expect(found.path).toMatch(/^\/(?!.*\.\.)[\w./-]+$/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('programs of i386', () => {
  test('run with the guest’s loader and C library, each at its place', async () => {
    const { workspace, headers } = await readTree(GUEST);
    const { machine, user } = workspace;
    const sandbox = { readOnly: headers.binds, writable: [] };
    const script = `${DEBIAN_BUILD}/scripts/basic/fixdep; ls /lib/i386-linux-gnu ${LOADER}`;
    const said = await machine.run(['sh', '-c', script], { effect: 'read', user, sandbox });
    expect([`${said.stderr}`, `${said.stdout}`]).toEqual([
      'loaded\n',
      `${LOADER}\n\n/lib/i386-linux-gnu:\nlibc.so.6\n`,
    ]);
  });

  test('are refused with the package that is missing, where nobody has their loader', async () => {
    const { [LOADER.slice(1)]: _loader, ...bare } = GUEST;
    const guest = await tree(bare);
    const workspace = await workspaceForTest();
    const { code, what, next } = await failureOf(
      readHeaders(guest, DEBIAN_BUILD, workspace, { libraries: [guest] }),
    );
    expect([code, what]).toEqual([
      'E_TOOLS_MISSING',
      `scripts/basic/fixdep of the kernel’s headers needs ${LOADER}, which this machine does not have`,
    ]);
    expect(next).toContain(LOADER);
    const known: Loader = { path: '/lib/ld-linux.so.2', bits: 32, program: 'scripts/basic/fixdep' };
    const none = { stat: async () => undefined };
    expect((await failureOf(programLibraries(none, known, [guest]))).next).toMatch(/libc6:i386|glibc/);
  });

  test('are no matter where they are not to run on this machine', async () => {
    const { [LOADER.slice(1)]: _loader, ...bare } = GUEST;
    const headers = await readHeaders(await tree(bare), DEBIAN_BUILD, await workspaceForTest());
    expect(headers.loader?.path).toBe(LOADER);
    expect(headers.binds.some(({ to }) => to.includes('ld-mptfix'))).toBe(false);
  });

  test('take a C library of their own class alone', async () => {
    const found = (await programLoader(await tree(GUEST), DEBIAN_BUILD)) as Loader;
    const wrong = await tree({ ...GUEST, 'lib/i386-linux-gnu/libc.so.6': readFileSync('/bin/sh') });
    const none = { stat: async () => undefined };
    expect((await failureOf(programLibraries(none, found, [wrong]))).code).toBe('E_TOOLS_MISSING');
    const right = await tree({ ...GUEST, 'usr/lib/libc.so.6': library });
    const files = await programLibraries(none, found, [wrong, right]);
    expect(files.map(({ target, to }) => [target.name, to])).toEqual([
      [right.name, LOADER],
      [right.name, '/lib/i386-linux-gnu/libc.so.6'],
    ]);
  });
});
