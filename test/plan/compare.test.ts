import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Plan } from '../../src/plan/document.ts';
import { planDifferences } from '../../src/plan/given.ts';
import { PLAN } from './plans.ts';

type Path = readonly (string | number)[];

/** Where the single values of a document stand. */
function leaves(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function changed(plan: Plan, path: Path, value: unknown): Plan {
  const copy = structuredClone(plan);
  let place: Record<string | number, unknown> = copy as never;
  for (const key of path.slice(0, -1)) place = place[key] as typeof place;
  place[path.at(-1) ?? ''] = value;
  return copy;
}

const without = (index: number): Plan => ({ ...PLAN, images: PLAN.images.toSpliced(index, 1) });

describe('planDifferences', () => {
  it('finds none in a plan that went through a file', () => {
    expect(planDifferences(JSON.parse(JSON.stringify(PLAN)), PLAN)).toEqual([]);
  });

  it('names any single field that has changed, with both values', () => {
    const value = fc.oneof(fc.string({ maxLength: 20 }), fc.boolean(), fc.integer(), fc.constant(null));
    fc.assert(
      fc.property(fc.constantFrom(...leaves(PLAN)), value, (path, other) => {
        const now = changed(PLAN, path, other);
        fc.pre(JSON.stringify(now) !== JSON.stringify(PLAN));
        const found = planDifferences(PLAN, now).join('\n');
        // An image is known by its path: under another one it is another image.
        const [list, index, field] = path;
        const name = list === 'images' ? `image ${PLAN.images[Number(index)]?.path}` : path.join('.');
        if (list !== 'images') expect(found).toContain(`${name} was `);
        else if (field === 'path') expect(found).toContain(`${name} is gone`);
        else expect(found).toContain(`${name}.${field} was `);
        expect(found).toContain(
          list === 'images' && field === 'path' ? `image ${other} is new` : `is ${JSON.stringify(other)}`,
        );
      }),
    );
  });

  it('names an image that is new or gone by its path, and no order of them', () => {
    expect(planDifferences(without(0), PLAN)).toEqual([
      expect.stringMatching(/^image \/boot\/initrd\.img-a is new: .*rebuild/),
    ]);
    expect(planDifferences(PLAN, without(1))).toEqual([
      expect.stringMatching(/^image \/boot\/initrd\.img-b is gone: it was .*leave/),
    ]);
    expect(planDifferences(PLAN, { ...PLAN, images: PLAN.images.toReversed() })).toEqual([]);
  });

  it('says what the cause is, and leaves out the steps that follow from it', () => {
    const now: Plan = {
      ...PLAN,
      verdict: 'fixed',
      needed: false,
      reason: 'already patched: generation 1 of mptfix is installed',
      steps: [],
    };
    const found = planDifferences(PLAN, now);
    expect(found[0]).toBe('verdict was "affected", is "fixed"');
    expect(found.find((line) => line.startsWith('reason'))).toContain('generation 1');
    expect(found.join('\n')).not.toContain('steps');
    expect(planDifferences(PLAN, { ...PLAN, steps: [] })).toEqual([
      expect.stringMatching(/^steps\.0 is gone: it was .*replace/),
    ]);
  });
});

test.each<[what: string, now: Plan, says: string]>([
  [
    'the module was replaced',
    { ...PLAN, module: { name: 'mptscsih', path: PLAN.module?.path ?? '', sha256: 'b'.repeat(64) } },
    `module.sha256 was "${'a'.repeat(64)}", is "${'b'.repeat(64)}"`,
  ],
  [
    'the headers are installed now',
    { ...PLAN, headers: { kind: 'guest', path: '/h' } },
    'headers.kind was "package", is "guest"',
  ],
  ['there is no module any more', { ...PLAN, module: null }, 'module was {"name":"mptscsih"'],
  [
    'another choice was made',
    { ...PLAN, build: { ...PLAN.build, makeVars: ['CC=gcc-11'] } },
    'build.makeVars.1 is gone: it was "V=1"',
  ],
])('%s: it is named', (_what, now, says) => {
  expect(planDifferences(PLAN, now).join('\n')).toContain(says);
});
