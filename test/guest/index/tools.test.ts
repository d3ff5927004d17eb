import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { indexTools } from '../../../src/guest/index/tools.ts';
import { rootTarget } from '../../../src/machine/tree.ts';
import { type Entries, put, sh, temporary } from '../../machine/temporary.ts';
import { type Entry, writtenBinary, writtenText } from './written.ts';

const RELEASE = '2.6.18-8.el5';
const FOLDER = `/lib/modules/${RELEASE}`;
const ENTRIES: readonly Entry[] = [
  { file: 'kernel/a.ko', needs: [] },
  { file: 'kernel/b.ko', needs: ['kernel/a.ko'] },
];
const WHOLE = writtenText(ENTRIES, { prefix: `${FOLDER}/` });
const BELOW = writtenText(ENTRIES);

/** A program as far as its texts go: those between other bytes, as a compiler puts them. */
const program = (...texts: readonly string[]): string =>
  `\x7fELF\0\x01${texts.map((text) => `\0${text}\0`).join('\x02')}`;

async function toolsOf(entries: Entries, release = RELEASE) {
  const root = await temporary(entries);
  if ('sbin/modprobe' in entries) await chmod(join(root, 'sbin/modprobe'), 0o755);
  return indexTools(rootTarget(root, { dryRun: true }), release);
}

const stanza = (name: string, version: string, state = 'installed'): string =>
  `Package: ${name}\nStatus: install ok ${state}\nVersion: ${version}\n\n`;

/** As a package's header is in rpm's databases: its texts begin with the language table and the name. */
const header = (name: string, version: string): string =>
  `\0\0\x03\xe8\0\0\0\x06C\0${name}\0${version}\x000.pre3.1.16.el5\0Tools for kernel modules\0`;

const CASES: Readonly<Record<string, readonly [Entries, string, RegExp]>> = {
  'modprobe of RHEL 5': [
    { 'sbin/modprobe': program('usage', 'module-init-tools version 3.3-pre2') },
    'm-i-t-3.0',
    /^\/sbin\/modprobe is of module-init-tools 3\.3-pre2$/,
  ],
  'modprobe of Ubuntu 9.10': [
    { 'sbin/modprobe': program('module-init-tools version 3.10') },
    'm-i-t-3.7',
    /3\.10/,
  ],
  'modprobe of kmod': [{ 'sbin/modprobe': program('kmod version 30') }, 'kmod', /is of kmod 30/],
  'modprobe, where the package database and the index say otherwise': [
    {
      'sbin/modprobe': program('module-init-tools version 3.2.2'),
      'usr/bin/kmod': '',
      'var/lib/dpkg/status': stanza('kmod', '30+20221128-1'),
      [`${FOLDER}/modules.dep`]: BELOW,
    },
    'm-i-t-3.0',
    /modprobe is of module-init-tools 3\.2\.2/,
  ],
  'kmod itself': [{ 'bin/kmod': '' }, 'kmod', /there is \/bin\/kmod/],
  'dpkg, of Ubuntu 6.06': [
    { 'var/lib/dpkg/status': stanza('module-init-tools', '3.2.2-1ubuntu5') },
    'm-i-t-3.0',
    /dpkg has/,
  ],
  'dpkg, with the transitional package beside kmod': [
    { 'var/lib/dpkg/status': stanza('module-init-tools', '9-3') + stanza('kmod', '9-3') },
    'kmod',
    /dpkg has kmod 9-3/,
  ],
  'dpkg, not of what was removed': [
    {
      'var/lib/dpkg/status': stanza('kmod', '30-1', 'config-files') + stanza('module-init-tools', '1:3.6-1'),
    },
    'm-i-t-3.6',
    /module-init-tools 3\.6-1/,
  ],
  'rpm’s Berkeley DB': [
    { 'var/lib/rpm/Packages': header('module-init-tools', '3.3') },
    'm-i-t-3.0',
    /rpm has module-init-tools 3\.3/,
  ],
  'rpm’s SQLite': [{ 'usr/lib/sysimage/rpm/rpmdb.sqlite': header('kmod', '31') }, 'kmod', /rpm has kmod 31/],
  'an index with whole paths alone': [{ [`${FOLDER}/modules.dep`]: WHOLE }, 'm-i-t-3.0', /has whole paths$/],
  'an index with whole paths, and a binary one': [
    {
      [`${FOLDER}/modules.dep`]: WHOLE,
      [`${FOLDER}/modules.dep.bin`]: writtenBinary(0, ENTRIES, `${FOLDER}/`),
    },
    'm-i-t-3.5',
    /modules\.dep\.bin version 0/,
  ],
  'an index with paths below its folder, and a binary one of 3.6': [
    { [`${FOLDER}/modules.dep`]: BELOW, [`${FOLDER}/modules.dep.bin`]: writtenBinary(1, ENTRIES) },
    'm-i-t-3.6',
    /version 1/,
  ],
  'an index with paths below its folder, and a binary one of today': [
    { [`${FOLDER}/modules.dep`]: BELOW, [`${FOLDER}/modules.dep.bin`]: writtenBinary(2, ENTRIES) },
    'kmod',
    /version 2/,
  ],
  'a modprobe that does not say what it is, and the index': [
    { 'sbin/modprobe': '#!/bin/sh\n', [`${FOLDER}/modules.dep`]: WHOLE },
    'm-i-t-3.0',
    /whole paths/,
  ],
};

describe('which tools a guest has is told by', () => {
  test.each(Object.entries(CASES))('%s', async (_, [entries, id, evidence]) => {
    const tools = await toolsOf(entries);
    expect(tools).toMatchObject({ form: { id }, evidence: expect.stringMatching(evidence) });
  });

  test('the kernel, where it is too old for module-init-tools, whatever else there is', async () => {
    const entries = { 'sbin/modprobe': program('module-init-tools version 3.1-pre5') };
    expect(await toolsOf(entries, '2.4.21-47.ELsmp')).toMatchObject({
      form: { id: 'modutils' },
      evidence: 'the kernel is 2.4.21',
    });
  });

  test('the real modprobe of this machine', async () => {
    const root = await temporary();
    sh('mkdir "$1/sbin"; cp "$(readlink -f "$(command -v modprobe)")" "$1/sbin/modprobe"', root);
    expect(await indexTools(rootTarget(root, { dryRun: true }), RELEASE)).toMatchObject({
      form: { id: 'kmod' },
    });
  });
});

describe('it cannot be told', () => {
  test.each([
    ['in an empty tree', {}],
    ['by an index of two kinds', { [`${FOLDER}/modules.dep`]: WHOLE + BELOW }],
    ['by an empty one', { [`${FOLDER}/modules.dep`]: '' }],
    [
      'by one with another binary index',
      { [`${FOLDER}/modules.dep`]: BELOW, [`${FOLDER}/modules.dep.bin`]: 'x' },
    ],
    [
      'by whole paths with a binary index that has never had such',
      { [`${FOLDER}/modules.dep`]: WHOLE, [`${FOLDER}/modules.dep.bin`]: writtenBinary(2, ENTRIES) },
    ],
    ['by a package of another name', { 'var/lib/dpkg/status': stanza('module-init-tools-doc', '3.2') }],
  ])('%s', async (_, entries) => {
    const root = await temporary();
    await put(root, entries);
    expect(await toolsOf(entries)).toEqual({ problem: expect.stringContaining('no form that is known') });
  });
});
