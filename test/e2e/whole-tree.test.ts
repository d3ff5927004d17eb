import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';

const fixture = inject('fixture');
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(dirname(dirname(fixture.guest)), 'tree-'));
  execFileSync('chmod', ['755', work]);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('the article’s way: the whole source, the guest’s .config, oldconfig, modules_prepare give the distro’s module', async () => {
  const { guest, release } = fixture;
  const before = listing(join(guest, 'usr/src'));
  const run = await mptfix([
    'build',
    '--whole-tree',
    ...['--source', fixture.tarball],
    ...['--headers', join(guest, 'usr/src', `linux-headers-${release}`)],
    ...['--module', fixture.distroModule],
    ...['--kernel', release],
    ...['--output', join(work, 'out'), '--work', work, '--no-cache', '--json'],
  ]);
  expect([run.status, run.stderr.includes('E_')]).toEqual([0, false]);
  const { artifact, result } = json(run);
  expect(result).toBe('rebuilt');
  expect(artifact.headers.origin).toContain('configured');
  expect(artifact.command).toContain(`KERNELRELEASE=${release}`);
  const provenance = artifact.proofs.find(({ name }: { name: string }) => name === 'provenance');
  expect(provenance.ok).toBe(true);
  expect(readFileSync(join(work, 'out/build.log'), 'utf8')).toContain('make -C /build/tree M=/build/');
  expect(listing(join(guest, 'usr/src'))).toEqual(before);
});

test('without the guest’s configuration nothing is built', async () => {
  const run = await mptfix([
    'build',
    '--whole-tree',
    ...['--source', fixture.tarball, '--module', fixture.distroModule, '--kernel', fixture.release],
    ...['--output', join(work, 'none'), '--work', work, '--json'],
  ]);
  expect([run.status, json(run).error.code]).toEqual([3, 'E_CONFIG_MISSING']);
});
