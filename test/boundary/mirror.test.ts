import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix, type RunSettings } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { RED_HAT, type RpmGuest, rpmGuest, SUSE } from '../helpers/rpm-guest.ts';
import { develRpm, mirrorOf, sign, signingKey, sourceRpm } from '../kernel-source/rpm/rpms.ts';
import { put, temporary } from '../machine/temporary.ts';

/** A guest of Red Hat's family whose key signed a source RPM and a -devel RPM. */
async function guestWithPackages(indexed = false, change: Partial<RpmGuest> = {}) {
  const [root, work, output] = [await temporary(), await temporary(), await temporary()];
  const guest = { ...rpmGuest(root, work, RED_HAT), ...change };
  const key = signingKey();
  await put(root, { 'etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release': key.publicKey });
  const files = [
    await develRpm(RED_HAT, guest.headers),
    await sourceRpm(RED_HAT, guest.vanilla, {
      patches: { 'fusion.patch': guest.patch },
      prep: '%patch1 -p1',
    }),
  ];
  for (const file of files) sign(file, key);
  const mirror = await mirrorOf(files, indexed);
  const build = (settings: RunSettings = {}) =>
    mptfix(['build', '--root', root, '--mirror', mirror, '--output', output, '--json'], settings);
  return { root, output, mirror, build };
}

describe('for a guest of Red Hat’s family, build --mirror', () => {
  test.each([
    ['a folder', false],
    ['an archive with repodata', true],
  ])(
    'of %s fetches, checks, prepares, patches and proves; the guest is not written to',
    async (_, indexed) => {
      const { root, output, build } = await guestWithPackages(indexed);
      const before = listing(root);
      const run = await build();
      expect([run.status, run.stderr.includes('E_')]).toEqual([0, false]);
      const { artifact, result } = json(run);
      expect(result).toBe('patched');
      expect(
        artifact.packages.map(({ name, version }: { name: string; version: string }) => [name, version]),
      ).toEqual([
        ['kernel-devel', '4.18.0-553.el8'],
        ['kernel.src', '4.18.0-553.el8'],
      ]);
      expect(artifact.source.origin).toBe('package kernel.src 4.18.0-553.el8');
      expect(artifact.proofs.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
      expect(readFileSync(join(output, 'mptscsih.ko')).length).toBeGreaterThan(0);
      expect(listing(root)).toEqual(before);
    },
  );

  test('proves that the spec’s patches count: without the one the module is not the guest’s', async () => {
    const other = '--- a/README\n+++ b/README\n@@ -0,0 +1 @@\n+x\n';
    const { build } = await guestWithPackages(false, { patch: other });
    const run = await build();
    expect([run.status, json(run).error.code]).toEqual([7, 'E_PROOF_PROVENANCE']);
  });

  test('works with the network cut, and nothing tries to connect', async () => {
    const { root, output, build } = await guestWithPackages();
    const log = join(await temporary(), 'connections');
    const prefix = ['unshare', '-n', 'strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg', '-o', log];
    const tried = (): readonly string[] =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.includes('AF_INET'));
    const run = await build({ prefix });
    expect([run.status, tried()]).toEqual([0, []]);
    // What would be seen otherwise.
    const words = ['build', '--root', root, '--mirror', 'http://127.0.0.1:9/', '--output', output, '--json'];
    expect((await mptfix(words, { prefix })).status).toBe(4);
    expect(tried()).not.toEqual([]);
  });
});

test('for a guest of SUSE’s family, kernel-source, kernel-devel and the flavour’s give a proven module', async () => {
  const [root, work, output] = [await temporary(), await temporary(), await temporary()];
  const { patched, headers } = rpmGuest(root, work, SUSE);
  const key = signingKey();
  await put(root, { 'usr/lib/rpm/gnupg/keys/gpg-pubkey-test.asc': key.publicKey });
  const common = await temporary({
    'version.mk': 'VERSION = 4\nPATCHLEVEL = 12\nSUBLEVEL = 14\n',
    Makefile: 'VERSION = 4\nPATCHLEVEL = 12\nSUBLEVEL = 14\n',
  });
  const place = 'usr/src/linux-4.12.14-122.20';
  const files = [
    await develRpm(SUSE, headers, { name: 'kernel-default-devel', place: `${place}-obj/x86_64/default` }),
    await develRpm(SUSE, common, { name: 'kernel-devel', place }),
    await develRpm(SUSE, join(patched, 'drivers'), { name: 'kernel-source', place: `${place}/drivers` }),
  ];
  for (const file of files) sign(file, key);
  const mirror = await mirrorOf(files);
  const run = await mptfix(['build', '--root', root, '--mirror', mirror, '--output', output, '--json']);
  expect([run.status, run.stderr.includes('E_')]).toEqual([0, false]);
  const { artifact } = json(run);
  expect(
    artifact.packages.map(({ name, version }: { name: string; version: string }) => `${name} ${version}`),
  ).toEqual([
    'kernel-default-devel 4.12.14-122.20.1',
    'kernel-devel 4.12.14-122.20.1',
    'kernel-source 4.12.14-122.20.1',
  ]);
  expect(artifact.headers.origin).toContain('/usr/src/linux-4.12.14-122.20-obj/x86_64/default');
  expect(artifact.proofs.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
});

test('plan names the packages for such a guest, and without a mirror what to give', async () => {
  const { root, mirror } = await guestWithPackages();
  const plan = json(await mptfix(['plan', '--root', root, '--mirror', mirror, '--json']));
  expect([plan.source, plan.headers]).toEqual([
    { kind: 'package', name: 'kernel.src', version: '4.18.0-553.el8' },
    { kind: 'package', name: 'kernel-devel', version: '4.18.0-553.el8' },
  ]);
  expect(plan.build.mirrors).toEqual([mirror]);
  const run = await mptfix(['plan', '--root', root, '--json']);
  expect([run.status, json(run).error.code]).toEqual([3, 'E_SOURCE_MISSING']);
  expect(json(run).error.next).toContain('--mirror');
});
