import { describe, expect, test } from 'vitest';
import { PROOFS, type ProofResult } from '../../src/build/proof.ts';
import { proveModule, proveVersions, symbolVersions } from '../../src/build/proofs.ts';
import { readElf } from '../../src/elf/elf.ts';
import { AFFECTED, FIXED, type ModuleShape, moduleBytes, VERMAGIC } from './module-fixture.ts';

const module = async (shape: ModuleShape) => readElf(await moduleBytes(shape));

/** The proofs of the module’s own data; those that compare two builds’ code have tests of their own. */
const JUDGED: readonly string[] = ['vermagic', 'symbol CRCs', 'exports', 'branch'];

async function prove(built: ModuleShape, shipped: ModuleShape, symvers = '') {
  const results = proveModule({
    built: await module(built),
    // The unchanged source’s build, with all else as in the patched one.
    baseline: await module({ ...built, ...AFFECTED }),
    isPatched: true,
    shipped: await module(shipped),
    symvers,
    version: '6.1.9',
    path: '/lib/modules/x/mptscsih.ko',
  });
  const failed = results.filter(({ name, ok }) => !ok && JUDGED.includes(name));
  return { results, failed };
}

const reported = ({ name, detail }: ProofResult) => `${PROOFS[name].code}: ${detail}`;

test('the corrected module of the same kernel passes every proof', async () => {
  const { results, failed } = await prove(FIXED, AFFECTED);
  expect([failed, results.filter(({ ok }) => !ok).map(reported)]).toEqual([[], []]);
  expect(results.map(({ name }) => name)).toEqual(expect.arrayContaining([...JUDGED]));
  expect(results[0]?.detail).toBe(VERMAGIC);
});

describe('a module is refused', () => {
  test('with another vermagic, both of which are shown', async () => {
    const { failed } = await prove({ vermagic: '6.1.0-10-amd64 SMP ' }, AFFECTED);
    expect(failed.map(reported)).toEqual([
      `E_PROOF_VERMAGIC: the new module has "6.1.0-10-amd64 SMP ", the guest's ${JSON.stringify(VERMAGIC)}: the release is 6.1.0-10-amd64, not 6.1.0-9-amd64; it lacks preempt: CONFIG_PREEMPT: another flavour’s headers; it lacks mod_unload: CONFIG_MODULE_UNLOAD; it lacks modversions: CONFIG_MODVERSIONS`,
    ]);
  });

  test('without a vermagic, also where the guest’s has none', async () => {
    const { failed } = await prove({ vermagic: null }, { ...AFFECTED, vermagic: null });
    expect(failed.map(({ name }) => PROOFS[name].code)).toEqual(['E_PROOF_VERMAGIC']);
  });

  test('with one other CRC', async () => {
    const { failed } = await prove({ crcs: { printk: 0x92997ed8, module_layout: 0x1235 } }, AFFECTED);
    expect(failed.map(reported)).toEqual(['E_PROOF_CRC: module_layout 0x00001235 instead of 0x00001234']);
  });

  test('that imports a symbol which the kernel does not declare', async () => {
    const { failed } = await prove({ crcs: { printk: 0x92997ed8, evil: 1 } }, AFFECTED);
    expect(failed.map(reported)).toEqual(['E_PROOF_CRC: evil 0x00000001 instead of an unknown one']);
  });

  test('without CRCs where the guest’s has them', async () => {
    const { failed } = await prove({ crcs: {} }, AFFECTED);
    expect(failed.map(({ name }) => PROOFS[name].code)).toEqual(['E_PROOF_CRC']);
  });

  test('that lacks an export, or has one more', async () => {
    const { failed } = await prove({ exports: ['mptscsih_io_done', 'mptscsih_resume'] }, AFFECTED);
    expect(failed.map(reported)).toEqual(['E_PROOF_EXPORTS: -mptscsih_remove +mptscsih_resume']);
  });

  test('that still has the branch', async () => {
    const { failed } = await prove(AFFECTED, AFFECTED);
    expect(failed.map(({ name }) => PROOFS[name].code)).toEqual(['E_PROOF_BRANCH']);
  });
});

test('a symbol that only the new module imports is believed as Module.symvers has it', async () => {
  const built = { crcs: { printk: 0x92997ed8, new_one: 0xabcdef01 } };
  const symvers = '0xabcdef01\tnew_one\tvmlinux\tEXPORT_SYMBOL\t\n';
  expect((await prove(built, AFFECTED, symvers)).failed).toEqual([]);
  // The guest's own module outranks the build folder.
  const wrong = '0x92997ed9\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0xabcdef01\tnew_one\tvmlinux\t\t\n';
  expect((await prove(built, AFFECTED, wrong)).failed).toEqual([]);
});

test('kernels without modversions have no CRCs on either side', async () => {
  expect((await prove({ crcs: {} }, { ...AFFECTED, crcs: {} })).failed).toEqual([]);
});

test('Module.symvers is read of every age, and what is no line of it is passed over', () => {
  const text = [
    '0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t',
    '0xDEADBEEF\tscsi_done\tdrivers/scsi/scsi_mod\tEXPORT_SYMBOL_GPL\tNAMESPACE',
    '0x00000000\told\tvmlinux',
    'no line',
    '0xnothex\tx\tvmlinux',
    '',
    '0x1 printk vmlinux',
  ].join('\n');
  expect([...symbolVersions(text)]).toEqual([
    ['printk', 0x12345678],
    ['scsi_done', 0xdeadbeef],
    ['old', 0],
  ]);
});

describe('source, headers and kernel are of one version:', () => {
  const release = '6.1.0-9-amd64';
  test.each([
    ['all the same', '6.1.9', '6.1.9', release, true],
    ['a driver’s folder alone tells no version', undefined, '6.1.9', release, true],
    ['headers that name no release', '6.1.9', '6.1.9', undefined, true],
    ['another source', '6.1.8', '6.1.9', release, false],
    ['headers of another kernel', '6.1.9', '6.1.9', '6.1.0-10-amd64', false],
    ['both wrong', '5.10.1', '6.1.9', '6.1.0-10-amd64', false],
  ])('%s', (_, source, headers, headersRelease, ok) => {
    const proof = proveVersions({ source, headers, headersRelease, release });
    expect([proof.ok, PROOFS[proof.name].code, proof.name]).toEqual([ok, 'E_PROOF_VERSION', 'version']);
    for (const value of [headers, release, source ?? 'does not declare', headersRelease ?? 'unnamed'])
      expect(proof.detail).toContain(value);
  });
});
