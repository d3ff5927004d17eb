import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';

/*
 * The watch on a guest that systemd has booted: a container of the distro's own systemd. It has no /dev/kmsg and no
 * disks of its own; what matters here is that units, timer and memory do what they should, and that all can be undone.
 */
const SCRIPT = `
mptfix() { /test/node /test/bin/mptfix.cjs "$@"; }
of() { name=$1; shift; "$@" >"/test/$name" 2>"/test/$name.err"; echo $? >"/test/$name.status"; }
things() { find /etc /var/lib /run/systemd/system /run/mptfix 2>/dev/null | sort; }
of before things
echo 'exit 1' >/usr/local/sbin/systemctl
chmod 755 /usr/local/sbin/systemctl
of refused mptfix watch install --to admin@example.org --yes --json
rm /usr/local/sbin/systemctl
of unchanged things
of installed mptfix watch install --to admin@example.org --yes --json
of again mptfix watch install --to admin@example.org --every 10m --yes --json
of active systemctl is-active mptfix-watch.timer
of enabled systemctl is-enabled mptfix-watch.timer mptfix-watch-memory.service
of timers systemctl show --property=TimersMonotonic mptfix-watch.timer
of started systemctl start mptfix-watch.service
of result systemctl show --property=Result,ExecMainStatus mptfix-watch.service
of copied systemctl is-active mptfix-watch-memory.service
of program systemctl show --property=ExecStart mptfix-watch.service
of memory findmnt --noheadings --output FSTYPE /run/mptfix/memory
of state ls /run/mptfix
of verified systemd-analyze verify /etc/systemd/system/mptfix-watch.timer /etc/systemd/system/mptfix-watch-memory.service
of uninstalled mptfix watch uninstall --yes --json
of after things
of left systemctl list-units --all --no-legend 'mptfix*'
systemctl poweroff
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync('/var/tmp/mptfix-systemd-');
  const shared = join(folder, 'test');
  mkdirSync(shared);
  writeFileSync(join(shared, 'script'), SCRIPT);
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(packageRoot(), part), join(shared, part), { recursive: true });
  cpSync(process.execPath, join(shared, 'node'));
  const { systemd } = inject('debian');
  // What it writes is gone with it, but for the shared folder.
  const container = ['--quiet', '--register=no', '--keep-unit', '--private-network', '--volatile=overlay'];
  const argv = [...container, `--bind=${shared}:/test`, `--directory=${systemd}`, '--boot'];
  execFileSync('systemd-nspawn', argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const told = (name: string): string => readFileSync(join(folder, 'test', name), 'utf8').trim();
const status = (name: string): number => Number(told(`${name}.status`));

describe('watch install on a booted systemd', () => {
  test('starts timer and memory copy, now and at each boot; a second time changes what is asked for', () => {
    expect([told('installed.err'), status('installed'), status('again')]).toEqual(['', 0, 0]);
    expect([told('active'), told('enabled')]).toEqual(['active', 'enabled\nenabled']);
    expect(told('timers')).toContain('OnUnitActiveUSec=10min');
  });

  test('where systemd does not take it, nothing is left of it either', () => {
    expect([status('refused'), JSON.parse(told('refused')).error.code]).toEqual([3, 'E_SCHEDULE']);
    expect(told('unchanged')).toBe(told('before'));
  });

  test('its service runs the copy in memory, and ends well', () => {
    expect([status('started'), told('result')]).toEqual([0, 'Result=success\nExecMainStatus=0']);
    expect(told('copied')).toBe('active');
    expect(told('program')).toContain('path=/run/mptfix/memory/node');
    expect([told('memory'), told('state').split('\n')]).toEqual(['ramfs', ['memory', 'watch.json']]);
  });

  test('systemd finds nothing to say about the units', () => {
    expect([status('verified'), told('verified.err')]).toEqual([0, '']);
  });

  test('uninstall leaves nothing, in files or in systemd', () => {
    expect([told('uninstalled.err'), status('uninstalled')]).toEqual(['', 0]);
    expect(told('after')).toBe(told('before'));
    expect(told('left')).toBe('');
  });
});
