import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { forgetGuest, type OtherGuest, otherGuest } from '../helpers/toolchain-tree.ts';

/** Debian 11 and 13 on this machine's 12: an older compiler than its own, and a newer one. */
describe.each([
  ['bullseye', 'gcc-10', /Debian 10\.\d/],
  ['trixie', 'gcc-14', /Debian 14\.\d/],
])('a guest of %s, whose kernel %s has built', (codename, compiler, version) => {
  let guest: OtherGuest;
  beforeAll(async () => {
    guest = await otherGuest(codename);
    console.log(`${codename}: ${guest.seconds} s to make, ${guest.megabytes} MB`);
  });
  afterAll(() => {
    // That of bullseye is also for image.test.ts.
    if (codename !== 'bullseye') forgetGuest(codename);
  });

  const args = (...words: readonly string[]) => [
    ...words,
    ...['--root', guest.root, '--source', guest.source, '--json'],
  ];

  test('is not served by this machine’s compiler', async () => {
    const run = await mptfix(args('plan'));
    expect([run.status, json(run).error.code]).toEqual([3, 'E_TOOLS_MISSING']);
    expect(json(run).error.what).toContain(compiler);
  });

  test('is patched by its own compiler, with every proof, and rolled back', async () => {
    const before = readFileSync(join(guest.root, guest.modulePath));
    const planned = json(await mptfix(args('plan', '--toolchain', 'guest')));
    const compiles = planned.steps.find(({ what }: { what: string }) => what.startsWith('compile'));
    expect(compiles.what).toContain('with the guest’s own compiler');
    const run = await mptfix(args('apply', '--yes', '--no-cache', '--toolchain', 'guest'));
    expect([run.status, run.stderr.split('\n').filter((line) => line.includes('E_'))]).toEqual([0, []]);
    const { artifact } = json(run).manifest;
    expect(
      artifact.proofs.filter(({ ok, waived }: Record<string, unknown>) => ok !== true || waived),
    ).toEqual([]);
    expect(artifact.proofs.map(({ name }: { name: string }) => name)).toContain('provenance');
    expect(artifact.unchanged).toMatchObject({ madeBy: 'recorded commands', whyMake: null });
    expect(artifact.toolchain).toMatchObject({
      kind: 'guest',
      origin: guest.root,
      version: expect.stringMatching(version),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(json(await mptfix(['check', '--root', guest.root, '--json'])).verdict).toBe('fixed');
    expect((await mptfix(['rollback', '--root', guest.root, '--yes', '--json'])).status).toBe(0);
    expect(readFileSync(join(guest.root, guest.modulePath)).equals(before)).toBe(true);
  });

  test('builds as nobody, without a network, and sees nothing outside its tree', async () => {
    const server = createServer((socket) => socket.end('reached\n'));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const secret = join(guest.root, '../secret');
    writeFileSync(secret, 'secret of the machine\n', { mode: 0o644 });
    const makefile = join(guest.root, 'usr/src', `linux-headers-${guest.release}`, 'Makefile');
    const kept = readFileSync(makefile, 'utf8');
    onTestFinished(() => writeFileSync(makefile, kept));
    // What a Makefile of the guest tries: each line of the log tells how it went.
    const tries = [
      'id -u',
      'grep -c . /proc/net/dev',
      `bash -c "exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3"`,
      `cat ${secret}`,
      'cat /etc/shadow',
      'echo x > /usr/new',
      'ls -d /home /root /var /boot /tree /proc/1/root/usr',
      'ps -e',
    ];
    rmSync(makefile);
    writeFileSync(makefile, kept);
    appendFileSync(
      makefile,
      `\n$(info BEGIN)\n${tries.map((text) => `$(info ${text} -> $(shell (${text}) 2>&1 | tr '\\n' ' '))`).join('\n')}\n$(error enough seen)\n`,
    );
    const before = listing(join(guest.root, 'usr/src'));
    const run = await mptfix(args('apply', '--yes', '--no-cache', '--toolchain', 'guest'));
    const { error } = json(run);
    expect([run.status, error.code]).toEqual([6, 'E_BUILD']);
    const log = readFileSync(error.log, 'utf8');
    const said = (text: string) => log.split('\n').find((line) => line.startsWith(`${text} -> `)) ?? '';
    expect(Number(said('id -u').split(' -> ')[1])).toBeGreaterThan(0);
    expect(said('grep -c . /proc/net/dev')).toMatch(/-> 3 ?$/);
    expect(log).not.toContain('reached');
    expect(log).not.toContain('secret of the machine');
    expect(log).not.toContain('root:');
    expect(said('echo x > /usr/new')).toContain('Read-only file system');
    const looked = said('ls -d /home /root /var /boot /tree /proc/1/root/usr');
    expect(looked.match(/No such file|Permission denied/g)).toHaveLength(6);
    expect([listing(join(guest.root, 'usr/src')), existsSync(join(guest.root, 'usr/new'))]).toEqual([
      before,
      false,
    ]);
    execFileSync('rm', ['-f', secret]);
  });
});
