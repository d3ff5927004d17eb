import { expect, test } from 'vitest';
import { fileSystemEffects } from '../../src/kernel-log/effects.ts';
import { logEvents } from '../../src/kernel-log/events.ts';

const effects = (text: string) => fileSystemEffects(logEvents(text));

test('a message without a device belongs to the device before it', () => {
  const text = `Aborting journal on device dm-0.
journal commit I/O error
ext3_abort called.
EXT3-fs error (device dm-0): ext3_journal_start_sb: Detected aborted journal
Remounting filesystem read-only`;
  expect(effects(text)).toEqual([{ device: 'dm-0', effect: 'journal-aborted' }]);
});

test('or, where none is named yet, to the one after it', () => {
  const text = `ext3_abort called.
EXT3-fs abort (device sd(8,2)): ext3_journal_start: Detected aborted journal
Remounting filesystem read-only`;
  expect(effects(text)).toEqual([{ device: 'sda2', effect: 'journal-aborted' }]);
});

test('two file systems stand apart, a jbd2 journal’s inode is no part of the device', () => {
  const text = `Aborting journal on device sda1-8.
XFS (dm-2): Log I/O Error Detected.  Shutting down filesystem
EXT4-fs (sda1): Remounting filesystem read-only`;
  expect(effects(text)).toEqual([
    { device: 'sda1', effect: 'journal-aborted' },
    { device: 'dm-2', effect: 'shutdown' },
  ]);
});

test('errors alone are no abort (errors=continue)', () => {
  expect(effects('EXT4-fs error (device sda2): ext4_find_entry:1455: inode #2: comm ls: bad entry')).toEqual([
    { device: 'sda2', effect: 'error' },
  ]);
});

test('no device anywhere is a file system all the same', () => {
  expect(effects('ext3_abort called.')).toEqual([{ device: null, effect: 'journal-aborted' }]);
});
