import { expect, test } from 'vitest';
import { asOurs } from '../../../src/commands/shared/bundle-words.ts';
import { callLine, lookingAt } from '../../../src/typed.ts';

const FILE = `/var/run/mptfix-${'0a'.repeat(16)}/bundle.run`;

/** What a bundle says, and what is shown by the machine that reached the guest over ssh. */
const TEXTS: readonly (readonly [said: string, shown: string])[] = [
  [
    `remove the cause, then: \`sh ${FILE} rollback\``,
    'remove the cause, then: `mptfix rollback --host root@db1 --ssh-option Port=22`',
  ],
  [
    `to put the original back anyway: \`sh ${FILE} rollback --force\``,
    'to put the original back anyway: `mptfix rollback --force --host root@db1 --ssh-option Port=22`',
  ],
  [
    `as root (su, or sudo -s): \`sh ${FILE} apply --yes --json\``,
    'as root (su, or sudo -s): `mptfix apply --host root@db1`',
  ],
  [
    `mptfix builds one for this guest, on the machine that built this one; to install it anyway: \`sh ${FILE} apply --force\``,
    'without --bundle mptfix builds one for it; to install it anyway: `sh FILE.run apply --force` on the guest itself',
  ],
  [
    `see which guest this file was made for: \`sh ${FILE} --version\``,
    'see which guest this file was made for: `mptfix check --host root@db1 --ssh-option Port=22`',
  ],
  [
    'only mptfix itself can; if mptfix is on this guest: `mptfix rollback`; else mount its disk where mptfix is, and give that --root DIR',
    'undo it with mptfix on the guest itself, or on its disk with --root',
  ],
  [
    'see what it is; then: `rm /var/lib/mptfix-lock`',
    "see what it is; then: `ssh -o Port=22 -- root@db1 'rm /var/lib/mptfix-lock'`",
  ],
  [
    "`mount -o remount,rw '/a b'`, then run the command again",
    "`ssh -o Port=22 -- root@db1 'mount -o remount,rw '\\''/a b'\\'''`, then run the command again",
  ],
  [`${FILE} is damaged: it is not what mptfix build wrote`, 'the bundle is damaged: it is not what was sent'],
];

test.each(TEXTS)('%s', (said, shown) => {
  callLine(['apply', '--host', 'root@db1']);
  expect(lookingAt({ host: 'root@db1', sshOption: ['Port=22'] }, () => asOurs(said))).toBe(shown);
});
