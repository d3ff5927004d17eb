import { describe, expect, test } from 'vitest';
import { hardenUser } from '../../src/harden/handlers.ts';
import { bootScriptText, hasUdev, RULE_PATH, ruleText, timeoutRules } from '../../src/harden/udev.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import type { Step } from '../../src/transaction/steps.ts';
import { undoOrder } from '../../src/transaction/undo.ts';
import { privateMachine } from '../helpers/private-machine.ts';
import { type Entries, sh, temporary } from '../machine/temporary.ts';
import { GUESTS } from '../recover/guests.ts';

const rulesOf = async (entries: Entries) =>
  timeoutRules(rootTarget(await temporary(entries), { dryRun: true }));

describe('rules that set a timeout', () => {
  test('of VMware Tools in its several forms, of an administrator and of mptfix are found, comments are not', async () => {
    const found = await rulesOf({
      'etc/udev/rules.d/99-vmware-scsi-udev.rules':
        '# echo 60 > /sys/x/timeout\nACTION=="add", BUS=="scsi", SYSFS{vendor}=="VMware  ", SYSFS{model}=="Virtual disk    ", RUN+="/bin/sh -c \'echo 180 >/sys$DEVPATH/device/timeout\'"\n',
      'etc/udev/rules.d/60-san.rules': 'ACTION=="add", SUBSYSTEM=="block", ATTR{device/timeout}="120"\n',
      'etc/udev/rules.d/70-net.rules': 'SUBSYSTEM=="net", NAME="eth0"\n',
      'etc/udev/rules.d/notes.txt': 'echo 1 > /sys/timeout\n',
      [RULE_PATH.slice(1)]: ruleText(240),
      'usr/lib/udev/rules.d/99-vmware-scsi-udev.rules':
        'ACTION=="add", SUBSYSTEMS=="scsi", ATTRS{model}=="Virtual disk    ", ATTR{timeout}="180"\n',
      lib: { link: 'usr/lib' },
    });
    expect(found).toEqual([
      { path: '/etc/udev/rules.d/60-san.rules', owner: 'other', seconds: 120 },
      { path: '/etc/udev/rules.d/99-vmware-scsi-udev.rules', owner: 'vmware', seconds: 180 },
      { path: RULE_PATH, owner: 'mptfix', seconds: 240 },
      { path: '/usr/lib/udev/rules.d/99-vmware-scsi-udev.rules', owner: 'vmware', seconds: 180 },
    ]);
  });

  test('ours comes after VMware’s, so that it wins', () => {
    expect(['99-vmware-scsi-udev.rules', '99-zz-mptfix-timeout.rules'].toSorted().at(-1)).toBe(
      RULE_PATH.replace(/.*\//, ''),
    );
  });
});

test('which guests have a udev that reads the rule', async () => {
  const found: Record<string, boolean> = {};
  for (const [name, entries] of Object.entries(GUESTS))
    found[name] = await hasUdev(rootTarget(await temporary(entries), { dryRun: true }));
  expect(found).toEqual({
    'RHEL 4': false,
    'RHEL 5': true,
    'CentOS 6': true,
    'SLES 10': true,
    'Debian 7': true,
    'Ubuntu 12.04': true,
    'RHEL 7': true,
    'something else': false,
  });
});

test('the boot script is read by sh, and ends well where there is no disk', async () => {
  const folder = await temporary({ script: bootScriptText(180) });
  expect(sh('sh -n "$1/script"; sh "$1/script"; echo $?', folder).trim()).toBe('0');
});

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
