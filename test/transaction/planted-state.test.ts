import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import { hardenUser } from '../../src/harden/handlers.ts';
import { planRollback, rollback } from '../../src/install/rollback.ts';
import { installUser } from '../../src/install/user.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { handlerOf } from '../../src/transaction/handler.ts';
import { settle } from '../../src/transaction/settle.ts';
import type { Step } from '../../src/transaction/steps.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { installed, MODULE, RELEASE, type SmallGuest, smallGuest } from '../install/small-guest.ts';
import { failureOf, put, sh, temporary } from '../machine/temporary.ts';

const STATE = 'var/lib/mptfix';
const UUID = '11111111-2222-3333-4444-555555555555';

/** Puts a transaction into a tree, as somebody who knows how mptfix writes it. */
async function plant(
  root: string,
  folder: string,
  {
    steps,
    kernel = null,
    open = true,
  }: { readonly steps: readonly Step[]; readonly kernel?: string | null; readonly open?: boolean },
): Promise<void> {
  const isHarden = folder.startsWith('harden');
  const record = {
    schema: 'mptfix.transaction/1',
    purpose: isHarden ? 'harden' : 'install',
    number: Number(folder.replace(/^.*\//, '')),
    created: '2026-01-01T00:00:00.000Z',
    kernel,
    steps,
    folders: [],
    state: { made: [], parent: null },
  };
  const lines = [
    { event: 'begin' },
    ...steps.map((_, step) => ({ event: 'intent', step })),
    ...(open ? [] : [{ event: 'committed' }]),
  ];
  await put(root, {
    [`${STATE}/${folder}/${isHarden ? 'set.json' : 'originals.json'}`]: JSON.stringify(record),
    [`${STATE}/${folder}/journal.ndjson`]: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  });
  sh('chmod 700 "$1" "$1"/*', join(root, STATE));
}

/** A file of the tree that mptfix would never write, and what an undo would make of it. */
const FOREIGN: Step = {
  kind: 'module',
  like: MODULE,
  files: [{ path: '/etc/passwd', original: null, backup: null }],
};

describe('a planted, open installation', () => {
  async function planted(): Promise<SmallGuest> {
    const guest = await smallGuest();
    await put(guest.root, { 'etc/passwd': 'root:x:0:0\n', 'etc/os-release': 'ID=debian\nVERSION_ID=12\n' });
    await plant(guest.root, 'generations/1', { kernel: RELEASE, steps: [FOREIGN] });
    return guest;
  }

  test('that names a file of the tree which mptfix does not write is refused before the first write', async () => {
    const { root, target } = await planted();
    const before = listing(root);
    const { code, what } = await failureOf(settle(target, [installUser], 'install', { force: true }));
    expect([code, what]).toEqual([
      'E_STATE_UNSAFE',
      expect.stringMatching(/generations\/1\/originals\.json.*"\/etc\/passwd"/),
    ]);
    expect(listing(root)).toEqual(before);
  });

  test('is put back by no command that reads', async () => {
    const { root } = await planted();
    // One that an undo would accept.
    const original = readFileSync(join(root, MODULE));
    await plant(root, 'generations/1', {
      kernel: RELEASE,
      steps: [{ kind: 'module', like: MODULE, files: [{ path: MODULE, original: null, backup: null }] }],
    });
    const before = listing(root);
    const reads = [
      ...[['check'], ['plan'], ['status'], ['rollback', '--dry-run'], ['apply', '--dry-run']],
      ...[
        ['harden'],
        ['harden', '--undo', '--dry-run'],
        ['diagnose'],
        ['recover'],
        ['watch', 'uninstall', '--dry-run'],
      ],
    ];
    for (const words of reads) {
      const { status } = await mptfix([...words, '--root', root, '--json']);
      expect([words, status === 1, listing(root).length]).toEqual([words, false, before.length]);
    }
    expect(listing(root)).toEqual(before);
    expect(readFileSync(join(root, MODULE)).equals(original)).toBe(true);
  });
});

describe('a planted set of harden', () => {
  /** A file system of the host: not of the tree. */
  async function host(): Promise<{ readonly image: string; readonly policy: () => string }> {
    const image = join(await temporary(), 'host.img');
    sh('truncate -s 4M "$1"; mkfs.ext4 -q -F -U "$2" -e continue "$1"', image, UUID);
    const policy = () => sh('dumpe2fs -h "$1" 2>/dev/null | sed -n "s/^Errors behavior: *//p"', image).trim();
    return { image, policy };
  }

  test.each([
    ['an interrupted one, before harden --apply', true, ['--apply', 'timeout=180']],
    ['an interrupted one, before rollback', true, undefined],
    ['a finished one, by harden --undo --force', false, ['--undo', '--force']],
  ] as const)('changes no superblock of the host: %s', async (_, open, words) => {
    const { image, policy } = await host();
    const guest = await smallGuest();
    await put(guest.root, { 'etc/fstab': '', 'sbin/udevadm': '' });
    // Undone, it would be “panic”.
    const step = {
      kind: 'device-superblock',
      device: image,
      uuid: UUID,
      before: 'panic',
      after: 'continue',
    } as const;
    await plant(guest.root, 'harden/1', { open, steps: [step] });
    const command = words === undefined ? ['rollback'] : ['harden', ...words];
    const run = await mptfix([...command, '--root', guest.root, '--yes', '--json']);
    expect(policy()).toBe('Continue');
    const said = words === undefined ? run.stderr : json(run).error;
    expect(said).toEqual(
      words === undefined
        ? expect.stringContaining('--device')
        : expect.objectContaining({ code: 'E_STATE_UNSAFE', next: expect.stringContaining('--device') }),
    );
  });

  const machine: readonly Step[] = [
    {
      kind: 'mount-option',
      mountPoint: '/mptfix-none',
      device: '/dev/mptfix-none',
      before: 'panic',
      after: 'remount-ro',
    },
    { kind: 'superblock', device: '/dev/mptfix-none', uuid: UUID, before: 'panic', after: 'continue' },
    { kind: 'sysfs', path: '/sys/block/sda/device/timeout', before: '1', after: '30' },
  ];

  test.each(machine)(
    'with a step of kind $kind is refused by its name, by what reads and by what writes',
    async (step) => {
      const guest = await smallGuest();
      const mounts = '1 0 8:1 / /mptfix-none rw - ext4 /dev/mptfix-none rw,errors=remount-ro\n';
      await put(guest.root, {
        'etc/fstab': '',
        'proc/self/mountinfo': mounts,
        'sys/block/sda/device/timeout': '30\n',
      });
      await plant(guest.root, 'harden/1', { steps: [step] });
      const before = listing(guest.root);
      for (const words of [
        ['--undo', '--yes'],
        ['--apply', 'errors=panic', '--yes'],
        ['--undo', '--dry-run'],
      ]) {
        const run = await mptfix(['harden', ...words, '--root', guest.root, '--json']);
        expect([words, json(run).error]).toEqual([
          words,
          expect.objectContaining({
            code: 'E_STATE_UNSAFE',
            what: expect.stringContaining('harden/1/set.json'),
          }),
        ]);
      }
      expect(listing(guest.root)).toEqual(before);
    },
  );

  test.each(machine)('no step of kind $kind acts for a tree, whoever asks', async (step) => {
    const guest = await smallGuest();
    const handler = handlerOf(hardenUser, step);
    const target = rootTarget(guest.root, { dryRun: false });
    const context = { target, folder: '/x', isDone: true, becomes: new Map(), left: [] };
    for (const act of [
      () => handler.current(context, step),
      () => handler.undo(context, step),
      () => handler.act({ ...context, progress: silentProgress, seen: () => {} }, step, undefined),
    ])
      expect((await failureOf((async () => void (await act()))())).code).toBe('E_STATE_UNSAFE');
  });
});

describe('a planted kernel release', () => {
  test.each(['a way upwards', 'an option'])(
    'that is %s reaches neither depmod nor a folder of the host',
    async (kind) => {
      const guest = await smallGuest();
      await installed(guest);
      const host = await temporary({ 'modules.dep': 'the host’s\n', 'kernel/x.ko': '' });
      const release = kind === 'an option' ? `--outdir=${host}` : `6.1${'/..'.repeat(10)}${host}`;
      for (const name of ['originals.json', 'manifest.json']) {
        const path = join(guest.root, STATE, 'generations/1', name);
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll(`"${RELEASE}"`, JSON.stringify(release)));
      }
      // So that the index must be rebuilt, not only put back.
      writeFileSync(join(guest.root, STATE, 'generations/1/originals/modules.dep'), 'damaged');
      const before = listing(host);
      const undo = async () => {
        const { undo: all } = await planRollback(guest.target, { kernel: release, to: 0, force: true });
        for (const generation of all) await rollback(guest.target, generation, true);
      };
      const error: unknown = await undo().then(
        () => 'done',
        (reason: unknown) => reason,
      );
      expect([listing(host), existsSync(join(host, 'lib'))]).toEqual([before, false]);
      expect(isFailure(error) ? error.failure : error).toMatchObject({
        code: 'E_STATE_UNSAFE',
        what: expect.stringContaining('/generations/1/originals.json'),
      });
    },
  );
});
