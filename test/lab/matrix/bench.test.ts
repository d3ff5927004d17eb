import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBench } from '../../../lab/matrix/bench.ts';
import { keepRecord } from '../../../lab/matrix/records.ts';
import type { TrialRecord } from '../../../lab/trial/record.ts';
import { openWorkspace } from '../../../src/work/workspace.ts';
import { temporary } from '../../machine/temporary.ts';
import { fakePair } from './fake-record.ts';

/** A bench whose one kernel has been built before, as the fake records have it; with these records. */
async function benchOf(records: readonly TrialRecord[], more: { again?: boolean; swap?: boolean } = {}) {
  const folder = await temporary();
  const [kernels, kept] = [join(folder, 'kernels'), join(folder, 'records')];
  mkdirSync(join(kernels, '6.1-amd64'), { recursive: true });
  const made = {
    format: 1,
    release: '6.1.0-56-amd64',
    packageVersion: '6.1.192-2',
    affected: 'AAAA',
    patched: 'BBBB',
    module: 'mptscsih.ko',
    date: '2026-11-27T20:00:00.000Z',
  };
  writeFileSync(join(kernels, '6.1-amd64/kernel.json'), JSON.stringify(made));
  const workspace = await openWorkspace(folder);
  onTestFinished(() => workspace.dispose());
  for (const record of records) await keepRecord(workspace.machine, kept, record);
  const nothing = () => Promise.reject(new Error('nothing is built here'));
  const { signal } = new AbortController();
  const lab = { base: folder, workspace, demo: nothing, mptfix: nothing, signal };
  return openBench(lab, { kernels, records: kept, again: false, swap: false, ...more });
}

describe('a record of an earlier run', () => {
  const [affected, patched] = fakePair();

  it('counts for the same kernel and the same two modules', async () => {
    const bench = await benchOf([affected, patched]);
    expect(await bench.kept(affected.row)).toEqual(affected);
    expect(await bench.kept(patched.row)).toEqual(patched);
    expect(await bench.kept({ ...patched.row, seconds: 60 })).toBeUndefined();
  });

  it.each([
    ['of an older kernel', { packageVersion: '6.1.176-1' }],
    ['of a module that was built otherwise', { srcversion: 'CCCC' }],
    ['of the other driver', { srcversion: 'AAAA' }],
  ])('%s does not count', async (_, more) => {
    const bench = await benchOf([{ ...patched, ...more }]);
    expect(await bench.kept(patched.row)).toBeUndefined();
  });

  it('does not count where all is to run again', async () => {
    const bench = await benchOf([affected], { again: true });
    expect(await bench.kept(affected.row)).toBeUndefined();
  });

  it('is that of the other module where the drivers are swapped', async () => {
    const bench = await benchOf([affected, { ...patched, srcversion: 'AAAA' }], { swap: true });
    expect(await bench.kept(affected.row)).toBeUndefined();
    expect((await bench.kept(patched.row))?.srcversion).toBe('AAAA');
  });
});
