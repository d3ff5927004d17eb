import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { worst } from '../../../src/commands/shared/several.ts';
import { json, mptfix } from '../../helpers/cli.ts';
import { type Entries, temporary } from '../../machine/temporary.ts';

const AFFECTED = '2.6.9-42.ELsmp';
const FIXED = '2.6.9-55.ELsmp';

/** The kernels of a RHEL 4, each with the driver built in: its table decides. */
const rhel4 = (...releases: readonly string[]): Entries => ({
  'etc/redhat-release': 'Red Hat Enterprise Linux AS release 4 (Nahant Update 4)\n',
  ...Object.fromEntries(
    releases.map((release) => [
      `lib/modules/${release}/modules.builtin`,
      'kernel/drivers/message/fusion/mptscsi.ko\n',
    ]),
  ),
});

describe('several guests in one run', () => {
  test('are a table with the worst status, and the one that fails hides no other', async () => {
    const [bad, good] = [await temporary(rhel4(AFFECTED)), await temporary(rhel4(FIXED))];
    const gone = join(good, 'nothing-here');
    const all = ['--root', gone, '--root', good, '--root', bad];
    const run = await mptfix(['check', ...all]);
    expect(run.status).toBe(10);
    const lines = run.stdout.split('\n');
    expect(lines[0]).toMatch(/^guest +verdict +kernel +driver$/);
    expect(lines[1]).toMatch(new RegExp(`^${gone} +E_TARGET_MISSING$`));
    expect(lines[2]).toMatch(new RegExp(`^${good} +fixed +${FIXED}`));
    expect(lines[3]).toMatch(new RegExp(`^${bad} +AFFECTED +${AFFECTED}`));
    expect(run.stdout).toMatch(new RegExp(`^${gone}: E_TARGET_MISSING: .+\\n  next: .+$`, 'm'));
  });

  test('are one document, with each one’s own in it', async () => {
    const [bad, good] = [await temporary(rhel4(AFFECTED)), await temporary(rhel4(FIXED))];
    const run = await mptfix(['check', '--root', good, '--root', '/nothing-here', '--root', bad, '--json']);
    const document = json(run);
    expect([run.status, document.schema, document.exitStatus]).toEqual([10, 'mptfix.checks/1', 10]);
    const alone = [];
    for (const { guest } of document.results) {
      const one = await mptfix(['check', '--root', guest, '--json']);
      alone.push({ guest, kernel: null, exitStatus: one.status, output: json(one) });
    }
    expect(document.results).toEqual(alone);
    expect(document.results.map(({ output }: { output: { schema: string } }) => output.schema)).toEqual([
      'mptfix.check/1',
      'mptfix.error/1',
      'mptfix.check/1',
    ]);
  });

  test('of which one cannot be looked at and none is affected end with that error’s status', async () => {
    const good = await temporary(rhel4(FIXED));
    expect((await mptfix(['check', '--root', good, '--root', good])).status).toBe(0);
    expect((await mptfix(['check', '--root', '/nothing-here', '--root', good])).status).toBe(3);
    expect(
      (await mptfix(['check', '--root', good, '--root', await temporary(rhel4(AFFECTED, FIXED))])).status,
    ).toBe(2);
  });

  test('are a table of status, too', async () => {
    const [one, other] = [await temporary(rhel4(AFFECTED)), await temporary(rhel4(FIXED))];
    const words = ['status', '--root', one, '--root', '/nothing-here', '--root', other];
    const page = await mptfix(words);
    expect(page.stdout).toMatch(/^guest +state +kernel +driver +initramfs +reboot$/m);
    expect([page.status, page.stdout.match(/^\/.*\S$/gm)?.length]).toEqual([3, 4]);
    const document = json(await mptfix([...words, '--json']));
    expect(document.schema).toBe('mptfix.statuses/1');
    expect(document.results.map(({ exitStatus }: { exitStatus: number }) => exitStatus)).toEqual([0, 3, 0]);
    expect((await mptfix([...words, '--prune'])).status).toBe(2);
  });
});

describe('all kernels of a guest', () => {
  test('have a row each, and the worst decides', async () => {
    const root = await temporary(rhel4(FIXED, AFFECTED));
    const run = await mptfix(['check', '--root', root, '--all-kernels', '--json']);
    expect(run.status).toBe(10);
    const seen = json(run).results.map(
      ({ kernel, output }: { kernel: string; output: { verdict: string } }) => [kernel, output.verdict],
    );
    expect(seen).toEqual([
      [AFFECTED, 'affected'],
      [FIXED, 'fixed'],
    ]);
  });

  test('of a guest that has none are one row with the reason', async () => {
    const run = await mptfix(['check', '--root', await temporary(), '--all-kernels', '--json']);
    expect([run.status, json(run).results.length]).toEqual([3, 1]);
    expect(json(run).results[0].output.error.code).toBe('E_KERNEL_UNKNOWN');
  });

  test('of one guest, beside another that cannot be looked at', async () => {
    const root = await temporary(rhel4(FIXED, AFFECTED));
    const run = await mptfix(['check', '--root', '/nothing-here', '--root', root, '--all-kernels', '--json']);
    expect([
      run.status,
      json(run).results.map(({ exitStatus }: { exitStatus: number }) => exitStatus),
    ]).toEqual([10, [3, 10, 0]]);
  });

  test('and one kernel cannot both be meant', async () => {
    expect((await mptfix(['check', '--all-kernels', '--kernel', AFFECTED])).status).toBe(2);
  });
});

test('status says where a driver is that is no module, and that it cannot tell', async () => {
  const place = async (entries: Entries) => {
    const run = await mptfix(['status', '--root', await temporary(entries), '--json']);
    return [run.status, json(run).noModule?.place];
  };
  const modules = { [`lib/modules/${FIXED}/kernel/fs/ext3.ko`]: 'x' };
  expect(await place(rhel4(FIXED))).toEqual([0, 'built-in']);
  expect(await place({ ...modules, [`boot/config-${FIXED}`]: '# CONFIG_FUSION is not set\n' })).toEqual([
    0,
    'nowhere',
  ]);
  expect(await place(modules)).toEqual([11, 'unknown']);
});

test('affected is worse than an error, an error than unknown, and unknown than fine', () => {
  expect(worst([0, 11, 3, 10, 4])).toBe(10);
  expect(worst([0, 11, 4, 3])).toBe(4);
  expect(worst([0, 11])).toBe(11);
  expect(worst([0, 0])).toBe(0);
  expect(worst([])).toBe(0);
});
