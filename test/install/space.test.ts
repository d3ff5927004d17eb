import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requireSpace, type SpaceQuestion, spaceNeeded } from '../../src/install/space.ts';
import { failureOf } from '../machine/temporary.ts';

const MIB = 1024 * 1024;
const BLOCK = 4096;

const question = (more: Partial<SpaceQuestion>): SpaceQuestion => ({
  files: [],
  fileSystemOf: (path) => (path.startsWith('/boot/') ? '/boot' : '/'),
  freeBytes: new Map([
    ['/', 100 * MIB],
    ['/boot', 40 * MIB],
  ]),
  ...more,
});

const image = { path: '/boot/initrd', oldSize: 30 * MIB, newSize: 31 * MIB };

describe('spaceNeeded', () => {
  it('counts the new file beside the old one, each on its own file system, with the reserve', () => {
    const files = [image, { path: '/lib/modules/x.ko', oldSize: 90_000, newSize: 90_001 }];
    expect(spaceNeeded(question({ files }))).toEqual([
      { fileSystem: '/boot', needBytes: 39 * MIB + BLOCK, freeBytes: 40 * MIB, missingBytes: 0 },
      { fileSystem: '/', needBytes: 8 * MIB + 23 * BLOCK, freeBytes: 100 * MIB, missingBytes: 0 },
    ]);
  });

  it('counts the most that is there at one time: what was replaced makes room for the next', () => {
    const reserveBytes = 0;
    const [twice] = spaceNeeded(question({ files: [image, image], reserveBytes }));
    expect(twice?.needBytes).toBe(32 * MIB + BLOCK);
    const kept = { ...image, oldSize: 0 };
    const [both] = spaceNeeded(question({ files: [kept, image], reserveBytes }));
    expect(both?.needBytes).toBe(62 * MIB + 2 * BLOCK);
  });

  it('takes a file system of which nothing is known for full', () => {
    const [need] = spaceNeeded(question({ files: [image], freeBytes: new Map() }));
    expect(need).toMatchObject({ freeBytes: 0, missingBytes: 39 * MIB + BLOCK });
  });

  it('needs never less than the largest new file, and nothing where nothing is written', () => {
    expect(spaceNeeded(question({}))).toEqual([]);
    const file = fc.record({ path: fc.constant('/x'), oldSize: fc.nat(), newSize: fc.nat() });
    fc.assert(
      fc.property(fc.array(file, { minLength: 1 }), (files) => {
        const [need] = spaceNeeded(question({ files, reserveBytes: 1 }));
        expect(need?.needBytes).toBeGreaterThan(files[0]?.newSize ?? 0);
      }),
    );
  });
});

describe('requireSpace', () => {
  it('is content where there is enough to the byte', () => {
    const freeBytes = new Map([['/boot', 39 * MIB + BLOCK]]);
    expect(() => requireSpace(spaceNeeded(question({ files: [image], freeBytes })))).not.toThrow();
  });

  it('refuses one byte less, with the numbers, rounded so that they show it', async () => {
    const freeBytes = new Map([['/boot', 39 * MIB + BLOCK - 1]]);
    const refusal = (async () => requireSpace(spaceNeeded(question({ files: [image], freeBytes }))))();
    expect(await failureOf(refusal)).toEqual({
      code: 'E_NO_SPACE',
      what: 'too little space for the new files and the old ones beside them: /boot needs 39.1 MiB free and has 39.0 MiB',
      next: 'free 0.1 MiB on /boot (an old kernel’s package is often the largest thing there), then run the command again',
    });
  });

  it('names every file system that has too little', async () => {
    const files = [image, { path: '/x', oldSize: 0, newSize: 1 }];
    const refusal = (async () => requireSpace(spaceNeeded(question({ files, freeBytes: new Map() }))))();
    expect((await failureOf(refusal)).next).toContain('39.1 MiB on /boot and 8.1 MiB on /');
  });
});
