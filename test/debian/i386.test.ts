import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { proveInitramfs } from '../../src/initramfs/module.ts';
import { LIMITS } from '../../src/limits.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { proofs } from '../helpers/build.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { type I386Trees, makeI386Trees } from '../helpers/i386-tree.ts';
import { listing } from '../helpers/listing.ts';
import { modulePath, slimGuest } from '../helpers/slim-guest.ts';

let trees: I386Trees;
beforeAll(async () => {
  trees = await makeI386Trees();
  console.log(`guests of i386: ${JSON.stringify(trees.cost)}`);
}, 1_200_000);
afterAll(() => trees.dispose());

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** As a person would look: objdump, not our own reader. */
function disassembled(path: string): string {
  return execFileSync('objdump', ['-d', '--no-show-raw-insn', path], { maxBuffer: 1 << 28 }).toString();
}
const BRANCH = /\bmov\w*\s+\$0x20008,/;

/** Everything that mptfix may not change for good; the folder that the state is in has a new time. */
const all = (root: string): string[] =>
  listing(root, { without: ['var/lib/mptfix'] }).filter(
    (line) => !line.startsWith('var/lib ') && !line.startsWith(' d '),
  );

test('demo --arch i386 shows every step', () => {
  const { demo } = trees.fixture;
  expect(demo.commands.map((step: { status: number }) => step.status)).toEqual([10, 0, 0, 0, 0, 0, 10]);
  expect(demo.kernel).toMatchObject({ architecture: 'i386', release: expect.stringMatching(/-686-pae$/) });
});

test('the source of Debian’s own module gives that module, byte for byte', async () => {
  const { fixture } = trees;
  const output = join(fixture.guest, '../rebuilt');
  const run = await mptfix([
    ...['build', '--module', fixture.distroModule, '--source', fixture.tarball],
    ...['--headers', join(fixture.guest, 'usr/src', `linux-headers-${fixture.release}`)],
    ...['--output', output, '--no-cache', '--json'],
  ]);
  expect([run.status, json(run).result]).toEqual([0, 'rebuilt']);
  expect(proofs(run).provenance).toMatchObject({ ok: true, detail: expect.stringContaining('.text') });
  expect(json(run).artifact.command).toContain('ARCH=i386');
});

describe('a guest of i386 with initramfs-tools, whose headers come through a private apt', () => {
  let before: string[];
  const module = (): string => join(trees.guest, modulePath(trees.fixture.release));
  const common = (): string[] => ['--root', trees.guest, '--json'];
  const holdsDiskModule = async (image: string): Promise<boolean> => {
    const target = rootTarget(trees.guest, { dryRun: true });
    const { release } = trees.fixture;
    const file = await target.read(`/${modulePath(release)}`, LIMITS.moduleBytes);
    return (await proveInitramfs(target, image, { release, name: 'mptscsih', file })).ok;
  };
  beforeAll(() => {
    before = all(trees.guest);
  });

  test('is affected, and planned for with packages of its own kernel', async () => {
    expect(disassembled(module())).toMatch(/file format elf32-i386[\s\S]*\bmov\w*\s+\$0x20008,/);
    const check = await mptfix(['check', ...common()]);
    expect([check.status, json(check).verdict]).toEqual([10, 'affected']);
    const plan = json(await mptfix(['plan', ...common(), '--source', trees.fixture.source]));
    const { release, packageVersion } = trees.fixture;
    expect(plan.headers).toEqual({
      kind: 'package',
      name: `linux-headers-${release}`,
      version: packageVersion,
    });
    expect(plan.images).toEqual([expect.objectContaining({ path: trees.image, action: 'rebuild' })]);
    expect(all(trees.guest)).toEqual(before);
  });

  test('gets the corrected module with every proof, on the disk and in its image', async () => {
    const original = sha256(module());
    const run = await mptfix(['apply', ...common(), '--source', trees.fixture.source, '--yes', '--no-cache']);
    expect([run.status, run.stderr.includes('E_')]).toEqual([0, false]);
    const { manifest } = json(run);
    const { packages, command } = manifest.artifact;
    const names = packages.map(({ name }: { name: string }) => name);
    expect(names[0]).toBe(`linux-headers-${trees.fixture.release}`);
    // It has a C library for itself.
    expect(names).not.toContain('libc6');
    expect(command).toContain('ARCH=i386');
    const shown = new Map(
      manifest.artifact.proofs.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]),
    );
    expect([...shown.values()]).not.toContain(false);
    expect([...shown.keys()]).toEqual(
      expect.arrayContaining([
        ...['version', 'compiler', 'vermagic', 'symbol CRCs', 'exports', 'provenance', 'only the branch'],
        ...['branch', 'dependencies', 'compression'],
      ]),
    );
    expect(manifest.images).toEqual([
      expect.objectContaining({ path: trees.image, tool: 'initramfs-tools' }),
    ]);
    expect(manifest.module.after.sha256).toBe(sha256(module()));
    expect(sha256(module())).not.toBe(original);
    expect(disassembled(module())).not.toMatch(BRANCH);
    expect(await holdsDiskModule(trees.image)).toBe(true);
    expect(await holdsDiskModule(`${trees.image}.mptfix-1`)).toBe(false);
  });

  test('is told as patched, and nothing is left to do', async () => {
    const status = json(await mptfix(['status', ...common()]));
    expect(status).toMatchObject({ state: 'patched', agree: true });
    expect(status.images).toEqual([expect.objectContaining({ path: trees.image, holds: 'same' })]);
    const check = await mptfix(['check', ...common()]);
    expect([check.status, json(check).verdict]).toEqual([0, 'fixed']);
    const again = await mptfix(['apply', ...common(), '--source', trees.fixture.source, '--yes']);
    expect([again.status, json(again).result]).toEqual([0, 'nothing-to-do']);
  });

  test('is after a rollback as it was, with every byte and time', async () => {
    const run = await mptfix(['rollback', ...common(), '--yes']);
    expect([run.status, json(run).images]).toEqual([0, [{ path: trees.image, how: 'restored' }]]);
    expect(all(trees.guest)).toEqual(before);
    expect(json(await mptfix(['check', ...common()])).verdict).toBe('affected');
  });
});

test('a bare tree without a C library gets that of its architecture with the headers', async () => {
  const guest = slimGuest(trees.fixture);
  try {
    const { release, source } = trees.fixture;
    for (const path of ['usr', `lib/modules/${release}/build`, `lib/modules/${release}/source`])
      guest.remove(path);
    // This guest names no archive: this machine's serve, for the guest's architecture.
    const output = join(guest.root, '../from-packages');
    const words = ['--root', guest.root, '--source', source, '--output', output, '--no-cache', '--json'];
    const run = await mptfix(['build', ...words]);
    expect([run.status, json(run).result]).toEqual([0, 'patched']);
    const names = json(run).artifact.packages.map(({ name }: { name: string }) => name);
    expect(names).toContain(`linux-headers-${release}`);
    expect(names.includes('libc6')).toBe(!existsSync('/lib/ld-linux.so.2'));
    expect(proofs(run).provenance.ok).toBe(true);
  } finally {
    guest.dispose();
  }
});
