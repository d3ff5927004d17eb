import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { json, mptfix, type Run } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { modulePath, type SlimGuest, slimGuest } from '../helpers/slim-guest.ts';
import { temporary } from '../machine/temporary.ts';

const fixture = inject('fixture');
const { release, source } = fixture;
const STATE = 'var/lib/mptfix';

let guest: SlimGuest;
let file: string;
beforeEach(async () => {
  guest = slimGuest(fixture);
  file = join(await temporary(), 'plan.json');
});
afterEach(() => guest.dispose());

/** Saves what `plan --json` says of the guest now. */
async function savePlan(...options: readonly string[]): Promise<ReturnType<typeof json>> {
  const run = await mptfix(['plan', '--root', guest.root, '--source', source, ...options, '--json']);
  expect([run.stderr, run.status]).toEqual(['', 0]);
  writeFileSync(file, run.stdout);
  return json(run);
}

const apply = (...options: readonly string[]): Promise<Run> =>
  mptfix(['apply', '--plan', file, '--yes', '--json', ...options]);

/** The run refuses with that code, and not a byte of the guest changes. */
async function refuses(code: string, status: number, act: () => Promise<Run>): Promise<string> {
  const before = listing(guest.root);
  const run = await act();
  const { error } = json(run);
  expect([error.code, run.status]).toEqual([code, status]);
  expect(listing(guest.root)).toEqual(before);
  return `${error.what} ${error.next}`;
}

function replaceModule(): void {
  const path = modulePath(release);
  guest.put(path, Buffer.concat([readFileSync(guest.at(path)), Buffer.from('\n')]));
}

test('apply --plan does what the plan says, and a second time refuses: it is done', async () => {
  // The record of what was rolled back stays there; an empty folder would be removed first, and made again.
  mkdirSync(guest.at(STATE), { mode: 0o700 });
  writeFileSync(guest.at(`${STATE}/a-file`), '');
  const before = listing(guest.root, { without: [STATE] });
  const plan = await savePlan('--make-var', 'V=1');
  expect(plan).toMatchObject({ root: guest.root, build: { makeVars: ['V=1'], wholeTree: false } });
  const dry = await apply('--dry-run');
  expect([dry.status, json(dry).result, json(dry).plan]).toEqual([0, 'planned', plan]);
  expect(listing(guest.root, { without: [STATE] })).toEqual(before);

  const run = await apply();
  expect([run.status, json(run).result]).toEqual([0, 'patched']);
  expect(json(run).plan).toEqual(plan);
  expect(json(run).manifest.artifact.command).toContain('V=1');

  const again = await refuses('E_PLAN_STALE', 3, apply);
  for (const change of [
    'verdict was "affected", is "fixed"',
    'already patched: generation 1',
    'module.sha256 was ',
  ])
    expect(again).toContain(change);
  const back = await mptfix(['rollback', '--root', guest.root, '--yes']);
  expect(back.status).toBe(0);
  expect(listing(guest.root, { without: [STATE] })).toEqual(before);
});

describe('apply --plan refuses, and writes nothing,', () => {
  test('after the module was replaced', async () => {
    const { module } = await savePlan();
    replaceModule();
    const said = await refuses('E_PLAN_STALE', 3, apply);
    expect(said).toMatch(new RegExp(`module\\.sha256 was "${module.sha256}", is "[0-9a-f]{64}"`));
    expect(said).toContain('nothing was changed');
    await refuses('E_PLAN_STALE', 3, () => apply('--dry-run'));
  });

  test('after the headers of the guest have gone, or the source that was given', async () => {
    const plan = await savePlan();
    expect(plan.headers.kind).toBe('guest');
    guest.remove(`lib/modules/${release}/build`);
    guest.remove(`usr/src/linux-headers-${release}`);
    expect(await refuses('E_PLAN_STALE', 3, apply)).toMatch(/headers\.kind was "guest", is "package"/);
    writeFileSync(
      file,
      JSON.stringify({ ...plan, source: { kind: 'local', path: '/nowhere/linux.tar.xz' } }),
    );
    expect(await refuses('E_PLAN_STALE', 3, apply)).toContain(
      'source /nowhere/linux.tar.xz is no longer there',
    );
  });

  test('a plan that was written by hand: each of its fields must be the guest’s own', async () => {
    const plan = await savePlan();
    const image = { path: '/etc/passwd', tool: null, action: 'leave', detail: 'does not hold mptscsih' };
    writeFileSync(file, JSON.stringify({ ...plan, images: [image] }));
    expect(await refuses('E_PLAN_STALE', 3, apply)).toContain('image /etc/passwd is gone');
    writeFileSync(file, JSON.stringify({ ...plan, kernel: { ...plan.kernel, release: '../../../etc' } }));
    expect(await refuses('E_USAGE', 2, apply)).toContain('kernel.release');
  });

  test('a file that is no plan, is missing, or is too large', async () => {
    expect(await refuses('E_USAGE', 2, apply)).toMatch(/plan\.json is not a plan .*there is no /);
    writeFileSync(file, '{"schema":"mptfix.check/1"}');
    expect(await refuses('E_USAGE', 2, apply)).toContain('is not a plan');
    writeFileSync(file, Buffer.alloc(1024 * 1024 + 1, ' '));
    expect(await refuses('E_USAGE', 2, apply)).toContain('more than the 1048576 that');
  });

  test('options beside it that the plan has decided, and another guest or kernel', async () => {
    await savePlan();
    for (const options of [
      ['--source', source],
      ['--headers', '/usr/src'],
      ['--placement', 'updates'],
      ['--no-initramfs'],
      ['--boot-entry'],
      ['--offline'],
      ['--whole-tree'],
      ['--make-var', 'V=1'],
      ['--allow-unproven'],
    ]) {
      const said = await refuses('E_USAGE', 2, () => apply(...options));
      expect(said).toContain(`cannot be used with option '${options[0]}`);
    }
    expect(await refuses('E_USAGE', 2, () => apply('--root', fixture.guest))).toContain(guest.root);
    expect(await refuses('E_USAGE', 2, () => apply('--kernel', '6.0.0-0'))).toContain(release);
    const same = await apply('--root', guest.root, '--kernel', release, '--dry-run');
    expect(same.status).toBe(0);
  });
});

test('a plan comes by standard input, too', async () => {
  await savePlan();
  const words = ['apply', '--plan', '-', '--dry-run', '--json'];
  const run = await mptfix(words, { prefix: ['sh', '-c', '"$@" < "$0"', file] });
  expect([run.status, json(run).result]).toEqual([0, 'planned']);
  replaceModule();
  const stale = await mptfix(words, { prefix: ['sh', '-c', '"$@" < "$0"', file] });
  expect([stale.status, json(stale).error.code]).toEqual([3, 'E_PLAN_STALE']);
});
