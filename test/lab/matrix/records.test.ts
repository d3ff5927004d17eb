import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPlaces, placesBelow } from '../../../lab/matrix/places.ts';
import { allRecords, keepRecord, keptRecord, recordPath } from '../../../lab/matrix/records.ts';
import { localTarget } from '../../../src/machine/tree.ts';
import { temporary } from '../../machine/temporary.ts';
import { fakePair, fakeRecord } from './fake-record.ts';

const machine = localTarget({ dryRun: false });

describe('records of trials', () => {
  it('are files of their own, which a later run finds', async () => {
    const folder = await temporary();
    const pair = fakePair();
    for (const record of pair) await keepRecord(machine, folder, record);
    expect(readdirSync(join(folder, '6.1-amd64'))).toEqual([
      'ext4.busy-15.affected.json',
      'ext4.busy-15.patched.json',
    ]);
    expect(await allRecords(folder)).toEqual(pair);
    expect(await keptRecord(folder, pair[1].row)).toEqual(pair[1]);
    expect(await keptRecord(folder, { ...pair[1].row, seconds: 60 })).toBeUndefined();
  });

  it('are replaced as a whole', async () => {
    const folder = await temporary();
    await keepRecord(machine, folder, fakeRecord());
    await keepRecord(machine, folder, fakeRecord({}, { wallSeconds: 61 }));
    expect((await keptRecord(folder, fakeRecord().row))?.wallSeconds).toBe(61);
    expect(readdirSync(join(folder, '6.1-amd64'))).toEqual(['ext4.busy-15.affected.json']);
  });

  it('are not taken where they are cut short, or of another trial', async () => {
    const folder = await temporary();
    const { row } = fakeRecord();
    const path = recordPath(folder, row);
    await keepRecord(machine, folder, fakeRecord());
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.slice(0, -20));
    await expect(keptRecord(folder, row)).rejects.toThrow(`${path} is no record of a trial`);
    const other = recordPath(folder, { ...row, driver: 'patched' });
    writeFileSync(path, text);
    writeFileSync(other, text);
    await expect(keptRecord(folder, { ...row, driver: 'patched' })).rejects.toThrow('of another trial');
    await expect(allRecords(folder)).rejects.toThrow(`${other} is the record of another trial`);
  });

  it('are never none', async () => {
    await expect(allRecords(await temporary())).rejects.toThrow('has no records');
  });
});

describe('what outlives a run', () => {
  it('is in a folder of this user alone, for one run at a time', async () => {
    const base = await temporary();
    const places = await openPlaces(machine, base);
    await expect(openPlaces(machine, base)).rejects.toThrow('another run of the lab');
    await places.close();
    await (await openPlaces(machine, base)).close();
  });

  it('is not what another user can have put there', async () => {
    const base = await temporary();
    const folder = dirname(placesBelow(base).records);
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    await expect(openPlaces(machine, base)).rejects.toThrow("is not this user's own folder");
    const linked = await temporary();
    symlinkSync(base, dirname(placesBelow(linked).records));
    await expect(openPlaces(machine, linked)).rejects.toThrow("is not this user's own folder");
  });
});
