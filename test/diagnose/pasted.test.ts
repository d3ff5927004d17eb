import { describe, expect, test } from 'vitest';
import { diagnosed } from './in-process.ts';
import { PASTED, type Pasted } from './pasted.ts';

async function seen(text: string | Uint8Array) {
  const { verdict, incidents, looked } = await diagnosed(text, { zone: 'UTC' });
  const below = incidents.some(({ hypervisor }) => hypervisor);
  return {
    verdict,
    disks: below ? [] : incidents.flatMap(({ disks }) => disks.map(({ name, address }) => name ?? address)),
    mapped: incidents.flatMap(({ deviceMapper }) => deviceMapper.map(({ device }) => device)),
    fileSystems: incidents.flatMap(({ fileSystems }) => fileSystems.map(({ device }) => device)),
    host: incidents[0]?.host,
    starts: incidents.map(({ start }) => start),
    repairs: looked.repairs.map(({ kind }) => kind).sort(),
    logged: incidents[0]?.firstLogged,
  };
}

test('there are at least 60 logs in the table', () => {
  expect(PASTED.length).toBeGreaterThanOrEqual(60);
});

describe('a log as people paste it is read as it was:', () => {
  test.each(PASTED.map((one): [string, Pasted] => [one.name, one]))('%s', async (_, one) => {
    const { name, text, ...wanted } = one;
    const found = await seen(text);
    const asked = Object.fromEntries(
      Object.keys(wanted).map((key) => [key, found[key as keyof typeof found]]),
    );
    const sorted = wanted.repairs === undefined ? {} : { repairs: [...wanted.repairs].sort() };
    expect(asked).toEqual({ ...wanted, ...sorted });
  });
});
