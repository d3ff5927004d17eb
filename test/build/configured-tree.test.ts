import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newQuestions } from '../../src/build/configured-tree.ts';
import { json, mptfix, type Run } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { writeSmallTree } from '../helpers/small-tree.ts';
import { sh, temporary } from '../machine/temporary.ts';

const RELEASE = '6.1.9-1-small';

/** A small tree, a .config, and the module that the tree gives: as a guest would have them. */
async function smallGuest(): Promise<{ folder: string; source: string; module: string; args: string[] }> {
  const folder = await temporary();
  const source = join(folder, 'source');
  writeSmallTree(source);
  writeFileSync(join(folder, 'config'), 'CONFIG_FUSION=y\nCONFIG_MODULES=y\n');
  const module = join(folder, 'mptscsih.ko');
  sh(
    'cp -a "$1" "$2/own" && make -s -C "$2/own" modules KERNELRELEASE="$3" && strip -g -o "$2/mptscsih.ko" "$2/own/drivers/message/fusion/mptscsih.ko"',
    source,
    folder,
    RELEASE,
  );
  const args = [
    '--whole-tree',
    '--full',
    '--source',
    source,
    '--config',
    join(folder, 'config'),
    '--module',
    module,
  ];
  return { folder, source, module, args };
}

function build(folder: string, args: readonly string[]): Promise<Run> {
  return mptfix([
    'build',
    ...args,
    '--kernel',
    RELEASE,
    '--output',
    join(folder, 'out'),
    '--work',
    folder,
    '--json',
  ]);
}

test('--full makes all modules, takes the one, and makes again only what the patch changes', async () => {
  const { folder, source, args } = await smallGuest();
  const before = listing(source);
  const run = await build(folder, args);
  expect([run.stderr.match(/E_\w+.*/)?.[0], run.status]).toEqual([undefined, 0]);
  const { result, artifact } = json(run);
  expect(result).toBe('patched');
  expect(artifact.command.slice(0, 4)).toEqual(['make', '-C', '/build/tree', 'modules']);
  const proofs = Object.fromEntries(
    artifact.proofs.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]),
  );
  expect(proofs).toMatchObject({ provenance: true, 'only the branch': true, branch: true, vermagic: true });
  const log = readFileSync(join(folder, 'out/build.log'), 'utf8');
  expect(log).toMatch(/MAKES drivers\/message\/fusion\/mptscsih\.ko, uid [1-9]/);
  expect(log).not.toContain('drivers/other.ko');
  expect(listing(source)).toEqual(before);
  expect((await mptfix(['check', '--module', json(run).module.file])).status).toBe(0);
});

test('a tree that fails in another module than the driver is E_BUILD, with that module’s error', async () => {
  const { folder, source, args } = await smallGuest();
  writeFileSync(join(source, 'drivers/other.c'), 'int other(void) { return nowhere; }\n');
  const run = await build(folder, args);
  expect([run.status, json(run).error.code]).toEqual([6, 'E_BUILD']);
  expect(json(run).error.what).toMatch(/make modules failed: drivers\/other\.c:1:\d+: error: .*nowhere/);
  expect(sh('ls "$1"', folder)).not.toMatch(/^mptfix-(?!log-)/m);
});

test('a configuration that leaves the driver out is told', async () => {
  const { folder, source, args } = await smallGuest();
  sh('sed -i "s,^DRIVERS.*,DRIVERS := drivers/other.ko," "$1/Makefile"', source);
  const { what, next } = json(await build(folder, args)).error;
  expect(`${what} ${next}`).toMatch(/did not build drivers\/message\/fusion\/mptscsih\.ko.*CONFIG_FUSION/);
});

test('--full without --whole-tree is a usage error, for plan too', async () => {
  const { folder, module, source } = await smallGuest();
  const run = await build(folder, ['--full', '--source', source, '--headers', source, '--module', module]);
  expect([run.status, json(run).error.code]).toEqual([2, 'E_USAGE']);
  const plan = await mptfix(['plan', '--root', folder, '--full', '--json']);
  expect([plan.status, json(plan).error.next]).toEqual([2, expect.stringContaining('--whole-tree')]);
});

test('questions that the configuration does not answer are told, each once', () => {
  const log = `make oldconfig
Enable loadable module support (MODULES) [Y/n/?] y
Old way (SYSFS_OLD) [N/y/?] (NEW) New way (SYSFS_NEW) [Y/n/?] (NEW)
> 1. Fast (CHOICE_FAST) (NEW)
Depth (DEPTH) [16] (NEW)
Old way (SYSFS_OLD) [N/y/?] (NEW)
`;
  expect(newQuestions(log)).toEqual(['SYSFS_OLD', 'SYSFS_NEW', 'CHOICE_FAST', 'DEPTH']);
  expect(newQuestions('nothing is asked\n')).toEqual([]);
});
