import { describe, expect, test } from 'vitest';
import { json } from '../helpers/cli.ts';
import { mountImage, mountLine, privateMachine } from '../helpers/private-machine.ts';
import { apply, details, stateAt } from './asked.ts';

describe('a clean file system that was remounted read-only', () => {
  test('is mounted read-write again, with its own flags, and written to', async () => {
    const machine = await privateMachine();
    const { mountPoint } = mountImage(machine, {
      type: 'ext4',
      megabytes: 16,
      options: 'nosuid,nodev,noatime',
    });
    machine.sh('mount -o remount,ro "$1"', mountPoint);
    const run = await apply(machine, mountPoint);
    expect([run.status, json(run).result]).toEqual([0, 'recovered']);
    expect(mountLine(machine, mountPoint)).toMatch(/ rw,nosuid,nodev,noatime - ext4 \S+ rw/);
    expect(machine.sh('ls -A "$1"', mountPoint).trim()).toBe('lost+found');
    machine.sh('touch "$1/file"', mountPoint);
  });

  test('in two places is not taken for one that the kernel gave up', async () => {
    const machine = await privateMachine();
    const { mountPoint } = mountImage(machine, { type: 'ext4', megabytes: 16 });
    const second = `${machine.folder}/second`;
    machine.sh('mkdir "$2"; mount --bind "$1" "$2"; mount -o remount,ro "$1"', mountPoint, second);
    expect(mountLine(machine, second)).toMatch(/ rw,\S* - ext4 \S+ ro/);
    expect((await stateAt(machine, second)).state).toBe('remounted-ro');
    const run = await apply(machine, mountPoint);
    expect([run.status, json(run).result]).toEqual([0, 'recovered']);
    machine.sh('touch "$1/file"', second);
  });

  test('with --dry-run, or without --yes where nobody can answer, is left as it is', async () => {
    const machine = await privateMachine();
    const { mountPoint } = mountImage(machine, { type: 'ext4', megabytes: 16 });
    machine.sh('mount -o remount,ro "$1"', mountPoint);
    const dry = await apply(machine, mountPoint, '--dry-run');
    expect([dry.status, json(dry).result]).toEqual([0, 'advised']);
    const unasked = await machine.mptfix(['recover', mountPoint, '--apply']);
    expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringContaining('E_CONFIRM_REQUIRED')]);
    expect(mountLine(machine, mountPoint)).toContain(' ro,');
    expect(machine.sh('ls /var/log').trim()).toBe('');
  });

  test('is asked for step by step at a terminal, and one no ends it', async () => {
    const machine = await privateMachine();
    const { mountPoint } = mountImage(machine, { type: 'ext4', megabytes: 16 });
    machine.sh('mount -o remount,ro "$1"', mountPoint);
    const declined = await machine.mptfixAsked(['recover', mountPoint, '--apply'], ['y', 'n']);
    expect(declined.match(/Do it\?/g)).toHaveLength(2);
    expect(declined).toContain('declined: not agreed');
    expect(declined).toContain('stopped: an earlier step failed');
    expect(mountLine(machine, mountPoint)).toContain(' ro,');
    expect(machine.sh('ls /var/log').trim()).toBe('');
  });

  test('that fstab wants writable is found without being named; one that fstab wants read-only is not touched', async () => {
    const machine = await privateMachine();
    const wanted = mountImage(machine, { type: 'ext4', megabytes: 16 });
    const readOnly = mountImage(machine, { type: 'ext4', megabytes: 17 });
    machine.sh(
      `printf '%s %s ext4 defaults 0 2\\n%s %s ext4 ro 0 2\\n' "$@" > /etc/fstab`,
      wanted.device,
      wanted.mountPoint,
      readOnly.device,
      readOnly.mountPoint,
    );
    machine.sh('mount -o remount,ro "$1"; mount -o remount,ro "$2"', wanted.mountPoint, readOnly.mountPoint);
    const run = await machine.mptfix(['recover', '--apply', '--yes', '--json']);
    const states = Object.fromEntries(
      json(run).fileSystems.map(({ mountPoint, state }: Record<string, string>) => [mountPoint, state]),
    );
    expect(run.status).toBe(0);
    expect([states[wanted.mountPoint], states[readOnly.mountPoint]]).toEqual(['remounted-ro', 'intended-ro']);
    expect(mountLine(machine, wanted.mountPoint)).toContain(' rw,');
    expect(mountLine(machine, readOnly.mountPoint)).toContain(' ro,');
    const named = await apply(machine, readOnly.mountPoint);
    expect([named.status, json(named).result]).toEqual([0, 'well']);
    expect(mountLine(machine, readOnly.mountPoint)).toContain(' ro,');
  });

  test('XFS and btrfs come back too', async () => {
    const machine = await privateMachine();
    const xfs = mountImage(machine, { type: 'xfs', megabytes: 320 });
    const btrfs = mountImage(machine, { type: 'btrfs', megabytes: 120 });
    for (const { mountPoint } of [xfs, btrfs]) {
      machine.sh('mount -o remount,ro "$1"', mountPoint);
      const run = await apply(machine, mountPoint);
      expect([run.status, json(run).result]).toEqual([0, 'recovered']);
      machine.sh('touch "$1/file"', mountPoint);
    }
  });

  test('but where writes fail all the same is not called recovered', async () => {
    const machine = await privateMachine();
    const small = `${machine.folder}/small`;
    machine.sh('mkdir "$1"; mount -t tmpfs -o size=4m tmpfs "$1"', small);
    const { mountPoint } = mountImage({ ...machine, folder: small }, { type: 'ext4', megabytes: 48 });
    machine.sh(
      'mount -o remount,ro "$1"; dd if=/dev/zero of="$2/fill" bs=4k 2>/dev/null || true',
      mountPoint,
      small,
    );
    const run = await apply(machine, mountPoint);
    // Whether the kernel can still make it read-only in good order is a matter of what it had to write.
    expect([run.status, json(run).error.code]).toEqual(
      mountLine(machine, mountPoint).includes(' ro,') ? [8, 'E_REMOUNT'] : [9, 'E_REMOUNT_UNDO'],
    );
    expect(json(run).error.what).toMatch(/a write failed: (it is (aborted|flagged) now|EROFS|EIO)/);
  });

  test('but whose storage answers with errors is left alone', async () => {
    const machine = await privateMachine();
    const { mountPoint, image } = mountImage(machine, { type: 'ext4', megabytes: 16 });
    machine.sh('mount -o remount,ro "$1"; cp "$2" "$2.kept"; : > "$2"', mountPoint, image);
    const run = await apply(machine, mountPoint);
    const [report] = json(run).fileSystems;
    expect([run.status, report.state]).toEqual([3, 'storage-away']);
    expect(details(report)).toContain('the disk answers a read with an error');
    expect(report.steps.map(({ title }: { title: string }) => title)).toEqual([
      'save the kernel log to a place that can be written',
      'restore the storage first: paths, zoning, the array, the datastore',
      'make sure that the storage answers again',
    ]);
    machine.sh('cat "$1.kept" > "$1"', image);
    expect((await stateAt(machine, mountPoint)).state).toBe('remounted-ro');
  });
});
