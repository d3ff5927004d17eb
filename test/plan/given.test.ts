import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Failure, isFailure } from '../../src/errors.ts';
import { parsePlan, requestOf, requireUnchanged } from '../../src/plan/given.ts';
import { PLAN } from './plans.ts';

const FILE = 'plan.json';

async function refusal(make: () => unknown): Promise<Failure> {
  try {
    await make();
  } catch (error) {
    if (isFailure(error)) return error.failure;
    throw error;
  }
  throw new Error('it was not refused');
}

const parsed = (value: unknown) => parsePlan(JSON.stringify(value), FILE);

describe('a plan comes back from its file', () => {
  it('as it was', () => {
    expect(parsed(PLAN)).toEqual(PLAN);
    expect(
      parsed({ ...PLAN, needed: false, source: null, headers: null, module: null, images: [] }),
    ).toMatchObject({
      needed: false,
    });
  });

  it('with the request that it was made for', () => {
    expect(requestOf(PLAN)).toEqual({
      kernel: PLAN.kernel.release,
      build: { ...PLAN.build, source: '/srv/linux.tar.xz', headers: undefined },
      install: { placement: 'in-place', initramfs: true, bootEntry: false },
    });
    expect(
      requestOf({ ...PLAN, source: { kind: 'package', name: 'linux-source-6.1', version: null } }).build
        .source,
    ).toBe(undefined);
  });
});

const kernel = (release: string) => ({ ...PLAN, kernel: { ...PLAN.kernel, release } });
const module = (path: string) => ({ ...PLAN, module: { ...PLAN.module, path } });
const build = (part: object) => ({ ...PLAN, build: { ...PLAN.build, ...part } });
const { steps: _, ...CUT } = PLAN;

test.each<[what: string, document: unknown, says: RegExp]>([
  ['of another kind', { ...PLAN, schema: 'mptfix.check/1' }, /schema/],
  ['of a later version', { ...PLAN, schema: 'mptfix.plan/2' }, /schema/],
  ['with a field that nobody knows', { ...PLAN, more: 1 }, /more/],
  ['with a field cut off', CUT, /steps/],
  ['that is a list', [PLAN], /plan\.json/],
  ['that is null', null, /plan\.json/],
  ['whose release leads elsewhere', kernel('../../etc'), /kernel\.release/],
  ['whose release is a word with a blank', kernel('6.1 -o x'), /kernel\.release/],
  ['whose path has a step upwards', module('/lib/modules/../../etc/passwd'), /module\.path/],
  ['whose path is relative', module('lib/modules/x.ko'), /module\.path/],
  ['whose path has a line feed', module('/lib/modules/x\n.ko'), /module\.path/],
  [
    'whose image lies nowhere',
    { ...PLAN, images: [{ ...PLAN.images[0], path: 'initrd' }] },
    /images\.0\.path/,
  ],
  [
    'whose tool is a command',
    { ...PLAN, images: [{ ...PLAN.images[0], tool: 'x;reboot' }] },
    /images\.0\.tool/,
  ],
  ['whose hash is none', { ...PLAN, module: { ...PLAN.module, sha256: 'A' } }, /module\.sha256/],
  [
    'with a package’s name of a path',
    { ...PLAN, source: { kind: 'package', name: '../x', version: null } },
    /source\.name/,
  ],
  ['with an origin of no kind', { ...PLAN, source: { kind: 'url', path: '/x' } }, /source\.kind/],
  ['with a word for make that is none', build({ makeVars: ['-f/x'] }), /build\.makeVars\.0/],
  ['with a config that is no path', build({ config: 7 }), /build\.config/],
])('a plan %s is refused', async (_what, document, says) => {
  const failure = await refusal(() => parsed(document));
  expect(failure.code).toBe('E_USAGE');
  expect(failure.what).toMatch(says);
  expect(failure.next).toContain('mptfix plan --json');
});

test('a text that is no plan is refused, whatever it is', async () => {
  for (const text of ['', '{', '[]', '{"schema":"mptfix.plan/1"}', JSON.stringify(PLAN).slice(0, -1)])
    expect((await refusal(() => parsePlan(text, FILE))).code).toBe('E_USAGE');
  await fc.assert(
    fc.asyncProperty(fc.json(), async (text) => {
      expect((await refusal(() => parsePlan(text, FILE))).code).toBe('E_USAGE');
    }),
  );
});

describe('what a plan is compared with', () => {
  const machine = (...missing: string[]) => ({
    stat: async (path: string) =>
      missing.includes(path)
        ? undefined
        : ({ type: 'file', size: 1, mode: 0o644, uid: 0, gid: 0, mtime: '0.000000000' } as const),
  });

  it('holds as long as nothing has changed', async () => {
    await requireUnchanged(PLAN, structuredClone(PLAN), machine());
  });

  it('is the files, too, that it was made from', async () => {
    const failure = await refusal(() =>
      requireUnchanged(PLAN, PLAN, machine('/srv/linux.tar.xz', '/srv/key.pem')),
    );
    expect(failure.code).toBe('E_PLAN_STALE');
    expect(failure.what).toContain(
      'source /srv/linux.tar.xz is no longer there; key /srv/key.pem is no longer there',
    );
    expect(failure.next).toContain('mptfix plan --json');
  });

  it('is every field', async () => {
    const now = { ...PLAN, kernel: { ...PLAN.kernel, packageVersion: '6.1.9-2' } };
    const failure = await refusal(() => requireUnchanged(PLAN, now, machine()));
    expect(failure.what).toContain('kernel.packageVersion was "6.1.9-1", is "6.1.9-2"');
  });
});
