import { describe, expect, test } from 'vitest';
import { json } from '../helpers/cli.ts';
import { mountImage, mountLine, privateMachine } from '../helpers/private-machine.ts';
import { actions, apply, details, stateAt, trigger } from './asked.ts';

describe('an aborted file system', () => {
  test('ext4: remount,rw is refused with the reason, and the safe steps are done', async () => {
    const machine = await privateMachine();
    const { mountPoint, name } = mountImage(machine, {
      type: 'ext4',
      megabytes: 16,
      options: 'errors=remount-ro',
    });
    trigger(machine, name);
    const before = mountLine(machine, mountPoint);
    expect(before).toMatch(/emergency_ro| ro,/);
    const run = await apply(machine, mountPoint);
    expect(run.status).toBe(3);
    const result = json(run);
    expect([result.schema, result.result]).toEqual(['mptfix.recover/1', 'by-hand']);
    const [report] = result.fileSystems;
    expect(report.state).toBe('aborted');
    expect(details(report)).toContain('the superblock has the error flag');
    expect(details(report)).toMatch(
      /counts 1 error since the last e2fsck; first at \S+ in trigger_test_error:\d+/,
    );
    expect(details(report)).toContain(`Aborting journal on device ${name}-8.`);
    expect(report.remountRefused).toContain('the superblock has the error flag');
    expect(actions(report)).not.toContain('remount');
    const outcomes = result.outcomes[mountPoint];
    expect(outcomes.slice(0, 3).map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'done',
      'done',
      'done',
    ]);
    expect(machine.sh('cat "$1"', result.savedLog)).toContain('Aborting journal');
    expect(machine.sh('stat -c %a "$1"', result.savedLog).trim()).toBe('600');
    expect(mountLine(machine, mountPoint)).toBe(before);
    expect(machine.sh('ls -A "$1"', mountPoint).trim()).toBe('lost+found');
  });

  test('ext3, which the ext4 driver mounts, is told the same way', async () => {
    const machine = await privateMachine();
    const { mountPoint, name } = mountImage(machine, {
      type: 'ext3',
      megabytes: 16,
      options: 'errors=remount-ro',
    });
    trigger(machine, name);
    const report = await stateAt(machine, mountPoint);
    expect([report.type, report.state]).toEqual(['ext3', 'aborted']);
    expect(
      report.steps.flatMap(({ commands }: { commands: string[][] }) =>
        commands.map((words) => words.join(' ')),
      ),
    ).toEqual([
      `dd if=/dev/${name} of=/dev/null bs=4096 count=1 iflag=direct`,
      'dmesg',
      `e2fsck -n -f -- /dev/${name}`,
      `fuser -v -m ${mountPoint}`,
      `umount ${mountPoint}`,
      `e2fsck -f /dev/${name}`,
      `mount /dev/${name} ${mountPoint}`,
    ]);
  });

  test('by writes that fail, where the kernel’s log alone tells', async () => {
    const machine = await privateMachine();
    const small = `${machine.folder}/small`;
    machine.sh('mkdir "$1"; mount -t tmpfs -o size=12m tmpfs "$1"', small);
    const { mountPoint, name } = mountImage(
      { ...machine, folder: small },
      { type: 'ext4', megabytes: 48, options: 'errors=remount-ro' },
    );
    machine.sh('dd if=/dev/zero of="$1/fill" bs=1M 2>/dev/null || true', small);
    machine.sh(
      'dd if=/dev/zero of="$1/file" bs=1M count=8 conv=fsync 2>/dev/null || true; sync -f "$1" || true',
      mountPoint,
    );
    const run = await apply(machine, mountPoint);
    const [report] = json(run).fileSystems;
    expect([run.status, report.state]).toEqual([3, 'aborted']);
    expect(details(report)).toContain(`Aborting journal on device ${name}-8.`);
  });

  test('btrfs that was forced read-only: check --readonly is all that is offered', async () => {
    const machine = await privateMachine();
    const small = `${machine.folder}/small`;
    machine.sh('mkdir "$1"; mount -t tmpfs -o size=16m tmpfs "$1"', small);
    const { mountPoint, device } = mountImage(
      { ...machine, folder: small },
      { type: 'btrfs', megabytes: 120 },
    );
    machine.sh('dd if=/dev/zero of="$1/fill" bs=64k 2>/dev/null || true', small);
    machine.sh(
      'for number in 1 2 3; do cp -r /etc "$1/$number" 2>/dev/null || true; sync -f "$1" 2>/dev/null || true; done',
      mountPoint,
    );
    const run = await apply(machine, mountPoint);
    const [report] = json(run).fileSystems;
    expect([run.status, report.state]).toEqual([3, 'shutdown']);
    expect(report.evidence.map(({ kind }: { kind: string }) => kind)).toContain('counter');
    expect(details(report)).toContain('forced readonly');
    const repair = report.steps.find(({ title }: { title: string }) => title === 'check and repair it');
    expect(repair.commands).toEqual([['btrfs', 'check', '--readonly', device]]);
    expect(actions(report)).not.toContain('remount');
  });

  test('XFS after a shutdown, which no mount table shows', async () => {
    const machine = await privateMachine();
    const { mountPoint, name } = mountImage(machine, { type: 'xfs', megabytes: 320 });
    expect((await stateAt(machine, mountPoint)).state).toBe('writable');
    machine.sh('xfs_io -x -c shutdown "$1"', mountPoint);
    expect(mountLine(machine, mountPoint)).toMatch(/ - xfs \S+ rw,/);
    const run = await apply(machine, mountPoint);
    const [report] = json(run).fileSystems;
    expect([run.status, report.state]).toEqual([3, 'shutdown']);
    expect(details(report)).toContain('its top folder cannot be listed: input/output error');
    const repair = report.steps.find(({ title }: { title: string }) => title === 'check and repair it');
    expect(repair.commands).toEqual([
      ['mount', `/dev/${name}`, mountPoint],
      ['umount', mountPoint],
      ['xfs_repair', '-n', `/dev/${name}`],
    ]);
  });
});

describe('a file system with errors on record', () => {
  test('that is still written to (errors=continue) is to be checked, and harden leaves it alone', async () => {
    const machine = await privateMachine();
    const { mountPoint, name } = mountImage(machine, {
      type: 'ext4',
      megabytes: 16,
      options: 'errors=continue',
    });
    trigger(machine, name);
    expect(mountLine(machine, mountPoint)).not.toMatch(/emergency_ro| ro,/);
    const report = await stateAt(machine, mountPoint);
    expect(report.state).toBe('flagged');
    expect(actions(report)).not.toContain('remount');
    const run = await machine.mptfix([
      'harden',
      '--mount-point',
      mountPoint,
      '--apply',
      'errors=remount-ro',
      '--yes',
    ]);
    expect([run.status, run.stderr]).toEqual([3, expect.stringContaining('E_FS_DAMAGED')]);
  });

  test('that was mounted read-only with its flag set is not remounted, as RHEL 4 and 5 would', async () => {
    const machine = await privateMachine();
    const { mountPoint, device } = mountImage(machine, { type: 'ext3', megabytes: 16 });
    machine.sh(
      'mount -o remount,ro "$1"; debugfs -w -R "set_super_value state 3" "$2" 2>/dev/null',
      mountPoint,
      device,
    );
    const run = await apply(machine, mountPoint);
    const result = json(run);
    expect([run.status, result.fileSystems[0].state]).toEqual([3, 'flagged']);
    expect(result.fileSystems[0].remountRefused).toEqual(['the superblock has the error flag']);
    expect(mountLine(machine, mountPoint)).toContain(' ro,');
  });
});
