import { describe, expect, test } from 'vitest';
import { treeTarget } from '../../src/machine/tree.ts';
import { deadServices } from '../../src/recover/services.ts';
import { type Entries, temporary } from '../machine/temporary.ts';

const script = (header: string): string =>
  `#!/bin/bash\n# chkconfig: 2345 55 25\n${header}\nlockfile=/var/lock/subsys/x\n`;

/** CentOS 6.5 after the bad cluster shutdown: the root was read-only from the start. */
const CENTOS: Entries = {
  'etc/inittab': 'id:3:initdefault:\n',
  'etc/rc.d/init.d/network': script('# description: brings the interfaces up'),
  'etc/rc.d/init.d/sshd': script('# processname: sshd\n# pidfile: /var/run/sshd.pid'),
  'etc/rc.d/init.d/crond': script('# processname: crond'),
  'etc/rc.d/init.d/rsyslog': script('# pidfile: /var/run/rsyslogd.pid'),
  'etc/rc.d/init.d/local': '#!/bin/sh\nexit 0\n',
  'etc/rc.d/rc3.d/S10network': { link: '../init.d/network' },
  'etc/rc.d/rc3.d/S12rsyslog': { link: '../init.d/rsyslog' },
  'etc/rc.d/rc3.d/S55sshd': { link: '../init.d/sshd' },
  'etc/rc.d/rc3.d/S90crond': { link: '../init.d/crond' },
  'etc/rc.d/rc3.d/S99local': { link: '../init.d/local' },
  'etc/rc.d/rc3.d/K50netconsole': '',
  'etc/init.d': { link: 'rc.d/init.d' },
  'proc/1/stat': '1 (init) S 0 1 1\n',
  'proc/700/stat': '700 (crond) S 1 1 1\n',
};

async function dead(entries: Entries, init: Parameters<typeof deadServices>[1]) {
  const target = treeTarget('local', await temporary(entries), 'a guest', { dryRun: true });
  return deadServices(target, init);
}

describe('RHEL 4 to 6', () => {
  test('a boot with a read-only root: network and sshd did not come up, what runs is not named', async () => {
    const found = await dead(CENTOS, 'upstart-redhat');
    expect(found.map(({ name, why }) => [name, why])).toEqual([
      ['network', 'it belongs to this runlevel, and its lock file is missing: it did not come up'],
      ['rsyslog', 'it belongs to this runlevel, and no process rsyslogd is running'],
      ['sshd', 'it belongs to this runlevel, and no process sshd is running'],
    ]);
    expect(found[2]?.commands).toEqual([
      ['rm', '-f', '/var/lock/subsys/sshd'],
      ['service', 'sshd', 'start'],
    ]);
  });

  test('a daemon that died leaves a stale lock; what is up is not named', async () => {
    const found = await dead(
      {
        ...CENTOS,
        'var/lock/subsys/network': '',
        'var/lock/subsys/sshd': '',
        'var/lock/subsys/crond': '',
        'proc/800/stat': '800 (rsyslogd) S 1 1 1\n',
      },
      'sysvinit-redhat',
    );
    expect(found.map(({ name, why }) => [name, why])).toEqual([
      ['sshd', 'its lock file exists, and no process sshd is running: it died, and the lock is stale'],
    ]);
  });

  test('names that are no services, and a process with brackets in its name, do no harm', async () => {
    const found = await dead(
      {
        ...CENTOS,
        'etc/rc.d/rc3.d/S01a b;reboot': '',
        'var/lock/subsys/-rf': '',
        'proc/900/stat': '900 (sshd) R (x) S 1 1\n',
        'proc/901/stat': '901 (sshd) S 1 1\n',
      },
      'sysvinit-redhat',
    );
    expect(found.map(({ name }) => name)).toEqual(['network', 'rsyslog']);
  });
});

test('Debian: the daemon of the script’s variable is looked for', async () => {
  const found = await dead(
    {
      'etc/inittab': 'id:2:initdefault:\n',
      'etc/init.d/ssh': '#!/bin/sh\nSSHD_BIN=/usr/sbin/sshd\n',
      'etc/init.d/cron': '#!/bin/sh\nDAEMON="/usr/sbin/cron"\n',
      'etc/init.d/rc.local': '#!/bin/sh\n',
      'etc/rc2.d/S16ssh': { link: '../init.d/ssh' },
      'etc/rc2.d/S17cron': { link: '../init.d/cron' },
      'etc/rc2.d/S99rc.local': { link: '../init.d/rc.local' },
      'proc/5/stat': '5 (cron) S 1 1\n',
    },
    'sysvinit-debian',
  );
  expect(found).toEqual([
    {
      name: 'ssh',
      why: 'it belongs to this runlevel, and no process sshd is running',
      commands: [['invoke-rc.d', 'ssh', 'restart']],
    },
  ]);
});

test('the runlevel is the running one where utmp has it, not the one of inittab', async () => {
  const utmp = Buffer.alloc(3 * 384);
  utmp.writeUInt16LE(2, 0);
  utmp.writeUInt16LE(1, 384);
  utmp.writeUInt32LE((0x4e << 8) | 0x35, 384 + 4);
  const found = await dead(
    { ...CENTOS, 'var/run/utmp': utmp, 'etc/rc.d/rc5.d/S55sshd': { link: '../init.d/sshd' } },
    'sysvinit-redhat',
  );
  expect(found.map(({ name }) => name)).toEqual(['sshd']);
});

test('an init system without a list, and a machine without systemd running, name none', async () => {
  expect([await dead({}, 'unknown'), await dead({}, 'openrc'), await dead({}, 'systemd')]).toEqual([
    [],
    [],
    [],
  ]);
});
