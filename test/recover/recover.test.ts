import { describe, expect, test } from 'vitest';
import { BIN, json } from '../helpers/cli.ts';
import { mountImage, mountLine, type PrivateMachine, privateMachine } from '../helpers/private-machine.ts';

/** What `recover --json` says of one mount point. */
async function stateAt(machine: PrivateMachine, mountPoint: string) {
  const run = await machine.mptfix(['recover', mountPoint, '--json']);
  expect([run.status, run.stderr]).toEqual([0, '']);
  return json(run).fileSystems[0];
}

async function apply(machine: PrivateMachine, mountPoint: string, ...more: readonly string[]) {
  return machine.mptfix(['recover', mountPoint, '--apply', '--yes', '--json', ...more]);
}

function details(report: { readonly evidence: readonly { bad: boolean; detail: string }[] }): string {
  return report.evidence.flatMap(({ bad, detail }) => (bad ? [detail] : [])).join('\n');
}

function actions(report: { readonly steps: readonly { readonly action?: string }[] }): readonly string[] {
  return report.steps.map(({ action }) => action ?? 'by hand');
}

const trigger = (machine: PrivateMachine, name: string): string =>
  machine.sh('echo 1 > "/sys/fs/ext4/$1/trigger_fs_error"', name);

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
    expect(declined).toContain('stopped: a step before it did not succeed');
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
      'save the kernel log where it can be written',
      'bring the storage back first: paths, zoning, the array, the datastore',
      'see that the storage answers again',
    ]);
    machine.sh('cat "$1.kept" > "$1"', image);
    expect((await stateAt(machine, mountPoint)).state).toBe('remounted-ro');
  });
});

test('a mount point with a line break and an escape in its name moves no cursor and breaks no line', async () => {
  const machine = await privateMachine();
  const { mountPoint } = mountImage(machine, { type: 'ext4', megabytes: 16 });
  const odd = `${machine.folder}/a\n\u001B[2Jb`;
  machine.sh(
    'mkdir "$2"; mount --move "$1" "$2" 2>/dev/null || { umount "$1"; mount -o loop "$1.img" "$2"; }',
    mountPoint,
    odd,
  );
  machine.sh('mount -o remount,ro "$1"', odd);
  const page = await machine.mptfix(['recover', odd]);
  expect(page.stdout).not.toContain('\u001B');
  expect(page.stdout).toContain('a\\x0a\\x1b[2Jb');
  const run = await apply(machine, odd);
  expect([run.status, json(run).fileSystems[0].mountPoint]).toEqual([0, odd]);
});

test('a user who may not ask the disk is told so, and nothing is called clean', async () => {
  const machine = await privateMachine();
  const { mountPoint } = mountImage(machine, { type: 'ext4', megabytes: 16 });
  machine.sh('mount -o remount,ro "$1"', mountPoint);
  const output = machine.sh(
    'setpriv --reuid 65534 --regid 65534 --clear-groups "$1" "$2" recover "$3" --json',
    process.execPath,
    BIN,
    mountPoint,
  );
  const [report] = JSON.parse(output).fileSystems;
  expect(report.state).toBe('unknown');
  expect(report.remountRefused).toEqual([
    'its superblock could not be read (denied): nothing shows that it is clean',
  ]);
  expect(report.steps.at(-1).title).toBe('run mptfix recover as root');
});

test('units that systemd calls failed are listed with the commands that start them', async () => {
  const machine = await privateMachine();
  // systemd itself cannot run here: its words stand in for it.
  machine.sh(`mount -t tmpfs tmpfs /usr/local/sbin; cat > /usr/local/sbin/systemctl <<'END'
#!/bin/sh
echo 'sshd.service        loaded failed failed OpenSSH server daemon'
echo 'getty@tty1.service  loaded failed failed Getty on tty1'
echo '; rm -rf /          loaded failed failed no unit'
END
chmod 755 /usr/local/sbin/systemctl`);
  const { mountPoint } = mountImage(machine, { type: 'ext4', megabytes: 16 });
  const run = await machine.mptfix(['recover', mountPoint, '--json']);
  expect(json(run).services).toEqual(
    ['sshd.service', 'getty@tty1.service'].map((name) => ({
      name,
      why: 'systemd says that it failed',
      commands: [
        ['systemctl', 'reset-failed', '--', name],
        ['systemctl', 'start', '--', name],
      ],
    })),
  );
});

test('a folder where nothing is mounted, and a tree with --apply, are refused', async () => {
  const machine = await privateMachine();
  const nothing = await machine.mptfix(['recover', machine.folder, '--json']);
  expect([nothing.status, json(nothing).error.code]).toEqual([3, 'E_MOUNT_MISSING']);
  const tree = await machine.mptfix(['recover', '--root', machine.folder, '--apply', '--yes']);
  expect([tree.status, tree.stderr]).toEqual([2, expect.stringContaining('E_USAGE')]);
});
