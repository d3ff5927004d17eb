import { describe, expect, test } from 'vitest';
import { hardenUser } from '../../src/harden/handlers.ts';
import type { Step } from '../../src/transaction/steps.ts';
import { undoOrder } from '../../src/transaction/undo.ts';
import { privateMachine } from '../helpers/private-machine.ts';

const RULE = '/etc/udev/rules.d/99-zz-mptfix-timeout.rules';
const TIMEOUT = '/sys/block/sda/device/timeout';

describe('harden and a udev that runs', () => {
  // What it does with it is seen in the lab, on a guest with a real one; here, when it is asked, and for what.
  test('it reads its rules again and comes to rest before a timeout is set, in both directions', async () => {
    const machine = await privateMachine('disks');
    machine.sh(
      `mount -t tmpfs tmpfs /run; mkdir -p /run/udev /etc/udev/rules.d; : >/run/udev/control
       mount -t tmpfs tmpfs /usr/local/sbin
       cat >/usr/local/sbin/udevadm <<'END'
#!/bin/sh
echo "$1: timeout $(cat ${TIMEOUT}), $(ls ${RULE} >/dev/null 2>&1 && echo rule || echo no rule)" >>"$MPTFIX_TOLD/told"
END
       sed -i "s|.MPTFIX_TOLD|$1|" /usr/local/sbin/udevadm
       chmod 755 /usr/local/sbin/udevadm
       mkdir -p /sys/block/sda/device; echo 30 >${TIMEOUT}`,
      machine.folder,
    );
    const told = (): string => machine.sh('cat "$1/told"; rm "$1/told"', machine.folder);
    const applied = await machine.mptfix(['harden', '--apply', 'timeout=180', '--yes', '--json']);
    expect([applied.stderr, applied.status]).toEqual(['', 0]);
    expect(told()).toBe('control: timeout 30, rule\nsettle: timeout 30, rule\n');
    const undone = await machine.mptfix(['harden', '--undo', '--yes', '--json']);
    expect([undone.stderr, undone.status]).toEqual(['', 0]);
    expect(told()).toBe('control: timeout 180, no rule\nsettle: timeout 180, no rule\n');
    expect(machine.sh(`cat ${TIMEOUT}`)).toBe('30\n');
  });
});

test('undoOrder is the last first, but timeouts in sysfs come after all that could make an event', () => {
  const sysfs = (disk: string): Step => ({
    kind: 'sysfs',
    path: `/sys/block/${disk}/device/timeout`,
    before: '30',
    after: '180',
  });
  const link = (path: string): Step => ({ kind: 'link', path, before: null, after: 'x' });
  expect(undoOrder(hardenUser, [link('/a'), sysfs('sda'), link('/b'), sysfs('sdb')])).toEqual([
    link('/b'),
    link('/a'),
    sysfs('sdb'),
    sysfs('sda'),
  ]);
});
