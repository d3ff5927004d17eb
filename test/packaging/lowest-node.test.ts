import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DRIVER_BUG, syslog } from '../diagnose/sequences.ts';
import { buildElf } from '../elf/elf-builder.ts';
import { mptfix } from '../helpers/cli.ts';
import { sh, temporary } from '../machine/temporary.ts';
import { partitions } from '../watch/guest.ts';

const RELEASE = '6.1.0-9-amd64';
const MODULE = `lib/modules/${RELEASE}/kernel/drivers/message/fusion/mptscsih.ko`;

let lowest = '';
beforeAll(() => {
  // A workspace has a node_modules of its own: npm install brings it.
  const found = createRequire(resolve('test/lowest-node/package.json')).resolve('node/package.json');
  lowest = join(dirname(found), 'bin/node');
});

/** A guest with a module packed by zstd, which this Node cannot unpack by itself. */
async function guest(): Promise<string> {
  const info = `name=mptscsih\0vermagic=${RELEASE} SMP mod_unload modversions \0`;
  const module = buildElf({
    bits: 64,
    little: true,
    machine: 62,
    type: 1,
    sections: [{ name: '.modinfo', content: Buffer.from(info) }],
  });
  const root = await temporary({
    'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
    [MODULE]: module,
    [`lib/modules/${RELEASE}/modules.dep`]: `${MODULE.replace(`lib/modules/${RELEASE}/`, '')}.zst:\n`,
    'proc/1/mountinfo': '27 1 8:1 / /data rw - ext4 /dev/sda1 ro\n',
    'proc/partitions': partitions('8:1 sda1'),
    'dev/kmsg': '',
    'var/log/messages': syslog('Jun 12 11:20:', DRIVER_BUG),
  });
  sh('zstd -q --rm "$1"', join(root, MODULE));
  return root;
}

/** What differs from run to run. */
const lasting = (text: string): string => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');

describe('on the lowest Node that package.json allows', () => {
  test('it is that one', () => {
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(engines.node) ?? [];
    expect(execFileSync(lowest, ['--version']).toString()).toMatch(`v${major}.${minor}.`);
  });

  test.each([
    ['check', ['check', '--root', 'ROOT', '--json']],
    ['check of one module', ['check', '--module', `ROOT/${MODULE}.zst`]],
    ['plan', ['plan', '--root', 'ROOT', '--offline', '--json']],
    ['status', ['status', '--root', 'ROOT', '--json']],
    ['recover', ['recover', '--root', 'ROOT', '--json']],
    ['watch once', ['watch', 'once', '--root', 'ROOT', '--json']],
    ['diagnose', ['diagnose', '--root', 'ROOT', '--json']],
    ['help', ['apply', '--help']],
    ['a mistake', ['aply', '--json']],
  ])('%s answers as it does on this Node', async (_, words) => {
    const root = await guest();
    const args = words.map((word) => word.replace('ROOT', root));
    const here = await mptfix(args);
    const there = await mptfix(args, { node: lowest });
    expect([there.status, there.stderr, lasting(there.stdout)]).toEqual([
      here.status,
      here.stderr,
      lasting(here.stdout),
    ]);
    expect(here.stderr).not.toContain('E_INTERNAL');
  });

  test('watch once finds what it has to', async () => {
    const run = await mptfix(['watch', 'once', '--root', await guest()], { node: lowest });
    expect([run.status, run.stdout]).toEqual([10, expect.stringContaining('/data: read-only')]);
  });
});
