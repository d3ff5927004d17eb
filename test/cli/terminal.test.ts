import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mptfix } from '../helpers/cli.ts';
import { smallGuest } from '../install/small-guest.ts';
import { put, sh } from '../machine/temporary.ts';

/** Sets the terminal's title, turns its text around, and begins a line that is not mptfix's. */
const HOSTILE = '\u001b]0;pwned\u0007\u009b31m\u202e\r\nFORGED: all is well\u001b[2K';
const OCTAL = '\\033]0;pwned\\007\\012FORGED:\\040all\\040is\\040well\\033[2K';
/** Whatever of it would reach a terminal. */
const LEFT = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** A guest whose every text is hostile: names, releases, tables, logs, configurations, states, a stored manifest. */
async function hostileGuest(): Promise<string> {
  const { root } = await smallGuest();
  const generation = 'var/lib/mptfix/generations/1';
  const text = HOSTILE.replaceAll('\n', ' ');
  await put(root, {
    'proc/self/mountinfo': `25 1 8:1 / /mnt/${OCTAL} rw - ext4 /dev/${OCTAL} ro\n26 1 8:2 / / rw - e${OCTAL} /dev/sda2 rw\n`,
    'proc/partitions': 'major minor  #blocks  name\n\n   8        1    1048576 sda1\n',
    'etc/fstab': `/dev/sda1 /mnt/${OCTAL} ext4 defaults,${OCTAL} 0 2\n/dev/sda2 / ext4 ${text} 0 0\n`,
    'etc/os-release': `ID="debian${text}"\nVERSION_ID="12${text}"\nPRETTY_NAME="Debian ${text}"\n`,
    'etc/hostname': HOSTILE,
    'etc/debian_version': HOSTILE,
    'etc/timezone': HOSTILE,
    'etc/apt/sources.list': `deb [${text}] http://x/${text} ${text}\n`,
    'etc/udev/rules.d/60-x.rules': `ACTION=="add", ATTR{timeout}="180${text}", RUN+="${text}"\n`,
    'boot/grub/grub.cfg': `menuentry "${text}" {\n linux /vmlinuz-${text}\n initrd /initrd-${text}\n}\n`,
    'var/log/messages': [
      `Jan  1 00:00:00 h${text} kernel: sd 0:0:0:0: [sda] ${text} SCSI error: return code = 0x00020008`,
      `Jan  1 00:00:01 h${text} kernel: end_request: I/O error, dev sda${text}, sector 1138`,
      `Jan  1 00:00:02 h kernel: EXT4-fs (sda1): Remounting filesystem read-only ${text}`,
      `Jan  1 00:00:03 h multipathd: ${text}: remaining active paths: 0`,
    ].join('\n'),
    'etc/mptfix.json': `{"watch": {${JSON.stringify(HOSTILE)}: 1, "to": ${JSON.stringify(HOSTILE)}}}`,
    [`${generation}/manifest.json`]: JSON.stringify({ schema: HOSTILE, kernel: HOSTILE, reason: HOSTILE }),
    [`${generation}/transaction.json`]: JSON.stringify({ schema: HOSTILE, steps: [{ kind: HOSTILE }] }),
    [`${generation}/journal`]: `${text}\n${HOSTILE}\n`,
    [`var/lib/mptfix/generations/${text}`]: HOSTILE,
    [`var/lib/mptfix/${text}`]: HOSTILE,
    [`boot/initrd.img-${text}`]: HOSTILE,
  });
  sh('chmod 700 "$1/var/lib/mptfix" "$1/var/lib/mptfix/generations"', root);
  return root;
}

const SOURCE = `static void mptscsih_io_done(void) { ${HOSTILE} }\n`;

describe('what a hostile guest says reaches no terminal, and makes no line of its own:', () => {
  test.each([
    ['check'],
    ['plan'],
    ['plan', '--kernel', HOSTILE],
    ['apply', '--yes', '--offline'],
    ['apply', '--dry-run', '--source', join('/', HOSTILE)],
    ['build', '--offline', '--output', `/nonexistent/${HOSTILE}`],
    ['status'],
    ['status', '--prune', '--yes'],
    ['rollback', '--yes'],
    ['rollback', '--dry-run', '--to', '1'],
    ['recover'],
    ['recover', HOSTILE],
    ['harden'],
    ['harden', '--apply', '--yes', 'errors=remount-ro'],
    ['diagnose'],
    ['diagnose', '--since', HOSTILE],
    ['watch', 'once'],
    ['watch', 'once', '--nagios'],
    ['watch', 'once', '--config', join('/', HOSTILE)],
    ['watch', 'test-mail'],
    ['watch', 'test-mail', '--to', 'a@example.org', '--config', join('/', HOSTILE)],
    ['watch', 'install', '--yes', '--to', 'root'],
    ['watch', 'uninstall', '--yes'],
  ])('%j %j %j %j', async (...words) => {
    const root = await hostileGuest();
    for (const more of words.includes('--nagios') ? [[]] : [[], ['--verbose'], ['--json']]) {
      const args = [...words.filter((word) => word !== undefined), ...more, '--root', root];
      const { stdout, stderr } = await mptfix(args);
      expect(`${stdout}${stderr}`).not.toMatch(LEFT);
      for (const line of `${stdout}\n${stderr}`.split('\n')) expect(line).not.toMatch(/^\s*FORGED/);
    }
  });

  test.each(['--source', '--module'])('check %s of a hostile file, by a hostile name', async (option) => {
    const root = await hostileGuest();
    const name = `mptscsih${HOSTILE.replaceAll('/', '')}.c`;
    await put(root, { [name]: SOURCE });
    for (const more of [[], ['--json']]) {
      const { stdout, stderr } = await mptfix(['check', option, join(root, name), ...more]);
      expect(`${stdout}${stderr}`).not.toMatch(LEFT);
      for (const line of `${stdout}\n${stderr}`.split('\n')) expect(line).not.toMatch(/^\s*FORGED/);
    }
  });
});
