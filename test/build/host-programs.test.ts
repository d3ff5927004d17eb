import { expect, test } from 'vitest';
import { requireHostPrograms } from '../../src/build/host-programs.ts';
import { MACHINE } from '../../src/build/toolchain/toolchain.ts';
import { FIXDEP, GUEST, program, readTree } from '../kernel-source/programs-of-i386.ts';
import { failureOf } from '../machine/temporary.ts';

test('the headers’ own programs of i386 run on this machine', async () => {
  const { workspace, headers } = await readTree(GUEST);
  await requireHostPrograms(workspace, MACHINE, headers);
});

test('those that do not start are told of before make is started', async () => {
  const strange = Buffer.from(program);
  // e_machine of a processor that nobody has.
  strange.writeUInt16LE(4711, 18);
  const { workspace, headers } = await readTree({ ...GUEST, [FIXDEP]: strange });
  const { code, what, next } = await failureOf(requireHostPrograms(workspace, MACHINE, headers));
  expect([code, what, next]).toEqual([
    'E_ARCH_UNSUPPORTED',
    expect.stringContaining('Exec format error'),
    expect.stringContaining('ia32_emulation=0'),
  ]);
  const { workspace: other, headers: without } = await readTree(GUEST);
  const binds = without.binds.filter(({ to }) => !to.includes('ld-mptfix'));
  expect((await failureOf(requireHostPrograms(other, MACHINE, { ...without, binds }))).code).toBe(
    'E_TOOLS_MISSING',
  );
});
