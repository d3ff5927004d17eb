import { describe, expect, test } from 'vitest';
import { mptfix } from '../../helpers/cli.ts';
import { put } from '../../machine/temporary.ts';
import { guest, guestWithRelay, once } from './guest-with-config.ts';
import { headersOf, relay } from './relay.ts';

describe('no name can add a header', () => {
  test.each([
    ['the host', { 'proc/sys/kernel/hostname': 'h\r\nBcc: evil@example.org\r\n\r\nbody' }],
    [
      'the mount point',
      {
        'proc/mounts': '/dev/sda1 /d\\012Bcc:\\040evil@example.org\\012\\012x ext3 ro 0 0\n',
        'etc/fstab': '',
        'proc/1/mountinfo':
          '27 1 8:1 / /d\\012Bcc:\\040evil@example.org\\012\\015\\012x rw - ext3 /dev/sda1 ro\n',
      },
    ],
    ['the source', { 'proc/mounts': '/dev/a\\012Bcc:\\040evil@example.org /data ext3 ro 0 0\n' }],
    [
      'a message of the kernel',
      { 'dev/kmsg': '3,1,1,-;SCSI error\\x0d\\x0aBcc: evil@example.org\\x1b[2J\n' },
    ],
    [
      'letters beyond ASCII',
      { 'proc/1/mountinfo': '27 1 8:1 / /größe\u202e\u2028Bcc:x rw - ext3 /dev/sda1 ro\n' },
    ],
  ])('%s', async (_, files) => {
    const server = await relay();
    const root = await guestWithRelay(server);
    await put(root, files);
    expect((await once(root)).status).toBe(10);
    expect(server.mails.length).toBe(1);
    const names = [...headersOf(server.mails[0] ?? '').keys()].sort();
    expect(names).toEqual([
      ...[
        'Auto-Submitted',
        'Content-Transfer-Encoding',
        'Content-Type',
        'Date',
        'From',
        'MIME-Version',
        'Message-ID',
      ],
      ...['Subject', 'To', 'X-Mptfix-Event'],
    ]);
    expect(server.mails[0]).toMatch(/^[\t\r\n\x20-\x7e]*$/);
  });

  test.each(['a@b\nBcc: x@y', 'a@b, c@d', '<a@b>', ''])('no address: %j', async (address) => {
    const run = await mptfix(['watch', 'once', '--root', await guest(undefined), `--to=${address}`]);
    expect(run.status).toBe(2);
  });
});
