import { expect, test } from 'vitest';
import { BIN, json } from '../helpers/cli.ts';
import { mountImage, privateMachine } from '../helpers/private-machine.ts';
import { apply } from './asked.ts';

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
  expect(report.steps.at(-1).title).toBe('run `mptfix recover` as root');
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
