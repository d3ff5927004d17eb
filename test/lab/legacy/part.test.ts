import { describe, expect, it } from 'vitest';
import { legacyPart } from '../../../lab/legacy/part.ts';
import type { Lab } from '../../../lab/part.ts';

/** Nothing of it may be used before all options are there. */
const NONE = {} as Lab;
const given = { kernel: '/k', modules: '/m', driver: '/d', busybox: '/b' };

describe('legacyPart', () => {
  it.each(['kernel', 'modules', 'driver', 'busybox'] as const)('asks for --%s', async (name) => {
    const { [name]: _, ...others } = given;
    await expect(legacyPart.run(NONE, others)).rejects.toMatchObject({
      failure: { code: 'E_USAGE', what: `legacy needs --${name}` },
    });
  });

  it('runs only by its name: nobody else has such a kernel', () => {
    expect(legacyPart.onlyByName).toBe(true);
  });
});
