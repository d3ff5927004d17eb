import { describe, expect, test } from 'vitest';
import { BIN, json } from '../helpers/cli.ts';
import { mountImage, mountLine, type PrivateMachine, privateMachine } from '../helpers/private-machine.ts';

const BOTH = ['harden', '--apply', 'errors=remount-ro', 'timeout=180', '--yes', '--json'];

/** SCSI disks as sysfs shows them, and a udev. */
function addDisks(machine: PrivateMachine, ...timeouts: readonly number[]): void {
  timeouts.forEach((seconds, index) => {
    machine.sh(
      'mkdir -p "/sys/block/$1/device"; echo "$2" > "/sys/block/$1/device/timeout"; echo "VMware  " > "/sys/block/$1/device/vendor"; echo "Virtual disk    " > "/sys/block/$1/device/model"',
      `sd${'abc'[index]}`,
      String(seconds),
    );
  });
}

/** Everything that harden may touch, as text. */
function everything(machine: PrivateMachine, device: string): string {
  return machine.sh(
    `dumpe2fs -h "$1" 2>/dev/null | grep "Errors behavior"
     cat /sys/block/sd*/device/timeout 2>/dev/null || true
     cd /
     stat -c '%n %a %U %Y %y' etc/fstab etc etc/udev/rules.d; sha256sum etc/fstab
     ls -A etc/udev/rules.d var/lib`,
    device,
  );
}

describe('harden on real file systems', () => {
  test('shows, sets and verifies, changes nothing the second time, and puts everything back byte for byte', async () => {
    const machine = await privateMachine('disks');
    addDisks(machine, 30, 60);
    machine.sh(
      'mkdir -p /etc/udev/rules.d; touch -d @1300000000.000000001 /etc/udev/rules.d /etc/fstab /etc',
    );
    const { mountPoint, image } = loopWithoutSysfs(machine);
    const loop = machine
      .sh('grep -F " $1 " /proc/1/mountinfo | sed "s/.* - ext4 \\([^ ]*\\) .*/\\1/"', mountPoint)
      .trim();
    machine.sh(
      `printf '# \\351 comment\\n%s\\t%s   ext4\\tnoatime,errors=continue,acl  0 2 # keep\\n' "$1" "$2" > /etc/fstab
       chmod 640 /etc/fstab; chown 0:12 /etc/fstab; touch -d @1300000000.123456789 /etc/fstab /etc`,
      loop,
      mountPoint,
    );
    const before = everything(machine, image);

    const shown = json(await machine.mptfix(['harden', '--json']));
    expect([shown.schema, shown.result, shown.undoFolder]).toEqual(['mptfix.harden/1', 'shown', null]);
    const row = shown.fileSystems.find((one: { mountPoint: string }) => one.mountPoint === mountPoint);
    expect([row.superblock, row.fstabOption, row.mountOption, row.effective]).toEqual([
      'continue',
      'continue',
      null,
      'continue',
    ]);
    expect(
      shown.disks.map(({ name, timeoutSeconds }: Record<string, unknown>) => [name, timeoutSeconds]),
    ).toEqual([
      ['sda', 30],
      ['sdb', 60],
    ]);
    expect(shown.advice.join('\n')).toContain(`${mountPoint}: errors=continue keeps writing over damage`);

    const dry = await machine.mptfix([...BOTH, '--dry-run']);
    expect([dry.status, json(dry).result]).toEqual([0, 'planned']);
    expect(everything(machine, image)).toBe(before);

    const run = await machine.mptfix(BOTH);
    expect([run.status, json(run).result]).toEqual([0, 'applied']);
    expect(json(run).changes).toEqual(json(dry).changes);
    expect(machine.sh('dumpe2fs -h "$1" 2>/dev/null', image)).toMatch(/Errors behavior: +Remount read-only/);
    expect(mountLine(machine, mountPoint)).not.toContain('errors=continue');
    expect(machine.sh('cat /etc/fstab | od -An -c | head -1')).toContain('351');
    expect(machine.sh('tail -n +2 /etc/fstab')).toBe(
      `${loop}\t${mountPoint}   ext4\tnoatime,errors=remount-ro,acl  0 2 # keep\n`,
    );
    expect(machine.sh('stat -c "%a %u:%g" /etc/fstab').trim()).toBe('640 0:12');
    expect(machine.sh('cat /sys/block/sd*/device/timeout').trim().split(/\s+/)).toEqual(['180', '180']);
    expect(machine.sh('cat /etc/udev/rules.d/99-zz-mptfix-timeout.rules')).toContain(
      'echo 180 > /sys%p/device/timeout',
    );
    expect(machine.sh('stat -c %a /var/lib/mptfix /var/lib/mptfix/harden').trim().split('\n')).toEqual([
      '700',
      '700',
    ]);

    const applied = everything(machine, image);
    const again = await machine.mptfix(BOTH);
    expect([again.status, json(again).result, json(again).changes]).toEqual([0, 'nothing-to-do', []]);
    expect(everything(machine, image)).toBe(applied);

    const undone = await machine.mptfix(['harden', '--undo', '--yes', '--json']);
    expect([undone.status, json(undone).result, json(undone).notes]).toEqual([0, 'undone', []]);
    expect(everything(machine, image)).toBe(before);
    const empty = await machine.mptfix(['harden', '--undo', '--yes', '--json']);
    expect([empty.status, json(empty).result]).toEqual([0, 'nothing-to-do']);
  });

  test('two runs, undone together; what others have edited since is not overwritten, but with --force', async () => {
    const machine = await privateMachine();
    const { mountPoint, device } = mountImage(machine, { type: 'ext3', megabytes: 16 });
    machine.sh(
      `printf '%s %s ext3 errors=panic 0 2\\n' "$1" "$2" > /etc/fstab; mkdir -p /etc/udev/rules.d`,
      device,
      mountPoint,
    );
    const fstab = machine.sh('cat /etc/fstab');
    const at = ['--mount-point', mountPoint, '--yes', '--json'];
    expect((await machine.mptfix(['harden', '--apply', 'errors=remount-ro', ...at])).status).toBe(0);
    expect((await machine.mptfix(['harden', '--apply', 'errors=continue', 'timeout=60', ...at])).status).toBe(
      0,
    );
    expect(machine.sh('dumpe2fs -h "$1" 2>/dev/null', device)).toMatch(/Errors behavior: +Continue/);
    expect(machine.sh('ls /var/lib/mptfix/harden').trim().split('\n')).toEqual(['1', '2']);
    machine.sh('echo "# mine" >> /etc/fstab');
    const refused = await machine.mptfix(['harden', '--undo', '--yes', '--json']);
    expect([refused.status, json(refused).error.code]).toEqual([3, 'E_FILE_CHANGED']);
    expect(machine.sh('tail -1 /etc/fstab')).toBe('# mine\n');
    const forced = await machine.mptfix(['harden', '--undo', '--force', '--yes', '--json']);
    expect([forced.status, json(forced).result]).toEqual([0, 'undone']);
    expect(machine.sh('cat /etc/fstab')).toBe(fstab);
    expect(machine.sh('dumpe2fs -h "$1" 2>/dev/null', device)).toMatch(/Errors behavior: +Continue/);
    expect(machine.sh('ls -A /etc/udev/rules.d /var/lib').trim()).toBe('/etc/udev/rules.d:\n\n/var/lib:');
  });

  test('a mount with its own errors= is remounted with its flags, and keeps what it was mounted with', async () => {
    const machine = await privateMachine();
    const { mountPoint } = mountImage(machine, {
      type: 'ext4',
      megabytes: 16,
      options: 'nosuid,noexec,commit=30,errors=panic',
    });
    const before = mountLine(machine, mountPoint);
    const at = ['--mount-point', mountPoint, '--yes', '--json'];
    expect((await machine.mptfix(['harden', '--apply', 'errors=remount-ro', ...at])).status).toBe(0);
    expect(mountLine(machine, mountPoint)).toBe(
      before.replace('errors=panic,', '').replace(/,?errors=panic/, ''),
    );
    expect((await machine.mptfix(['harden', '--undo', '--yes'])).status).toBe(0);
    expect(mountLine(machine, mountPoint)).toBe(before);
  });
});

test('without --yes, without root, with words that are none: refused, with the code that says why', async () => {
  const machine = await privateMachine();
  const { mountPoint } = mountImage(machine, { type: 'ext4', megabytes: 16 });
  const apply = (...words: readonly string[]) =>
    machine.mptfix(['harden', '--mount-point', mountPoint, ...words, '--json']);
  expect(json(await apply('--apply', 'errors=remount-ro')).error.code).toBe('E_CONFIRM_REQUIRED');
  expect(json(await apply('--apply', 'errors=off', '--yes')).error.code).toBe('E_USAGE');
  expect(json(await apply('--apply', 'timeout=60', '--undo', '--yes')).error.code).toBe('E_USAGE');
  expect(json(await apply('--device', '/dev/null', '--apply', 'errors=panic', '--yes')).error.code).toBe(
    'E_USAGE',
  );
  expect(machine.sh('ls -A /var/lib').trim()).toBe('');
});

test('a run that is killed, whenever that is, leaves what the next one puts back', async () => {
  const machine = await privateMachine();
  const { mountPoint, device } = mountImage(machine, { type: 'ext4', megabytes: 16 });
  machine.sh(
    `printf '%s %s ext4 errors=continue 0 2\\n' "$1" "$2" > /etc/fstab; mkdir -p /etc/udev/rules.d; touch -d @1300000000 /etc/fstab /etc /etc/udev/rules.d`,
    device,
    mountPoint,
  );
  const before = [everything(machine, device), mountLine(machine, mountPoint)];
  for (const seconds of [0.25, 0.35, 0.5, 0.7]) {
    machine.sh(
      'timeout -s KILL "$1" "$2" "$3" harden --mount-point "$4" --apply errors=panic timeout=180 --yes >/dev/null 2>&1 || true',
      String(seconds),
      process.execPath,
      BIN,
      mountPoint,
    );
    const undone = await machine.mptfix(['harden', '--undo', '--yes', '--json']);
    expect([seconds, undone.status, undone.stdout]).toEqual([
      seconds,
      0,
      expect.stringContaining('mptfix.harden/1'),
    ]);
    expect([everything(machine, device), mountLine(machine, mountPoint)]).toEqual(before);
  }
});

/** losetup wants /sys/block, which is covered: the loop device is made before it is. */
function loopWithoutSysfs(machine: PrivateMachine): { readonly mountPoint: string; readonly image: string } {
  const image = `${machine.folder}/data.img`;
  const mountPoint = `${machine.folder}/data`;
  machine.sh(
    'truncate -s 16M "$1"; mkfs.ext4 -q -F -e continue "$1"; mkdir "$2"; mount -t ext4 -o loop,noatime "$1" "$2"',
    image,
    mountPoint,
  );
  return { mountPoint, image };
}
