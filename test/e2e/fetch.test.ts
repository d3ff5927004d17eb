import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { expect, inject, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { type SlimGuest, slimGuest } from '../helpers/slim-guest.ts';

const fixture = inject('fixture');
const { release, packageVersion, source } = fixture;

/** A guest that has its kernel, but neither headers nor source. */
function bareGuest(): SlimGuest {
  const guest = slimGuest(fixture);
  for (const path of ['usr', `lib/modules/${release}/build`, `lib/modules/${release}/source`])
    guest.remove(path);
  return guest;
}

/** Gives it archives of its own to fetch from: those of this machine, with their keys. */
function withSources(guest: SlimGuest): void {
  mkdirSync(guest.at('etc/apt'), { recursive: true });
  for (const name of ['sources.list', 'sources.list.d', 'trusted.gpg.d']) {
    if (existsSync(`/etc/apt/${name}`))
      cpSync(`/etc/apt/${name}`, guest.at('etc/apt', name), { recursive: true });
  }
  mkdirSync(guest.at('usr/share'), { recursive: true });
  cpSync('/usr/share/keyrings', guest.at('usr/share/keyrings'), { recursive: true });
}

test('headers of the same version are fetched through apt, and the module is built against them', async () => {
  const guest = bareGuest();
  try {
    withSources(guest);
    const plan = json(await mptfix(['plan', '--root', guest.root, '--source', source, '--json']));
    expect(plan.headers).toEqual({
      kind: 'package',
      name: `linux-headers-${release}`,
      version: packageVersion,
    });
    const run = await mptfix(['apply', '--root', guest.root, '--source', source, '--yes', '--json']);
    expect([run.status, run.stderr.includes('E_')]).toEqual([0, false]);
    const { packages, headers } = json(run).manifest.artifact;
    expect(packages[0]).toMatchObject({ name: `linux-headers-${release}`, version: packageVersion });
    expect(packages.every(({ sha256 }: { sha256: string }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
    expect(headers.release).toBe(release);
  } finally {
    guest.dispose();
  }
});

test('without --source both are fetched; a source that the module was not built from is refused, untouched', async () => {
  const guest = bareGuest();
  try {
    const before = listing(guest.root);
    // This guest names no archive: the machine's own serve.
    const run = await mptfix(['apply', '--root', guest.root, '--yes', '--json']);
    expect([run.status, json(run).error.code]).toEqual([5, 'E_PATCH_NO_BRANCH']);
    expect(run.stderr).toContain(
      `linux-source-${packageVersion.split('.').slice(0, 2).join('.')} ${packageVersion}`,
    );
    expect(listing(guest.root)).toEqual(before);
  } finally {
    guest.dispose();
  }
});

test('a kernel that the archives no longer have: named with its version, and where to look', async () => {
  const guest = bareGuest();
  try {
    guest.put(
      'var/lib/dpkg/status',
      `Package: linux-image-${release}\nStatus: install ok installed\nVersion: ${packageVersion}+gone1\n`,
    );
    const run = await mptfix(['apply', '--root', guest.root, '--yes', '--json']);
    expect([run.status, json(run).error.code]).toEqual([3, 'E_HEADERS_MISSING']);
    expect(json(run).error.what).toContain(`linux-headers-${release} ${packageVersion}+gone1`);
    expect(json(run).error.next).toContain('snapshot.debian.org');
  } finally {
    guest.dispose();
  }
});

test('dead archives are told as such, exit 4', async () => {
  const guest = bareGuest();
  try {
    guest.put('etc/apt/sources.list', 'deb http://127.0.0.1:9/debian bookworm main\n');
    const run = await mptfix(['apply', '--root', guest.root, '--yes', '--json']);
    expect([run.status, json(run).error.code]).toEqual([4, 'E_FETCH']);
    expect(json(run).error.what).toContain('127.0.0.1');
  } finally {
    guest.dispose();
  }
});
