import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildableGuest, HEADERS, headersMakefile, RELEASE } from '../helpers/buildable-guest.ts';
import { mptfix } from '../helpers/cli.ts';
import { sh, temporary, until } from '../machine/temporary.ts';

/** A guest, its headers changed, and what `mptfix build` makes of it. */
async function guest() {
  const base = await temporary();
  const [root, source, work] = ['guest', 'source', 'work'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(root);
  mkdirSync(work);
  buildableGuest(root, source);
  const words = ['--root', root, '--source', source, '--offline', '--work', work, '--no-cache', '--json'];
  const build = (output = 'output') => mptfix(['build', ...words, '--output', join(base, output)]);
  return { root, work, build, headers: join(root, HEADERS) };
}

test('a part that only a link far down names is there when the driver is compiled', async () => {
  const { root, work, build, headers } = await guest();
  mkdirSync(join(root, 'usr/lib/linux-far/x'), { recursive: true });
  writeFileSync(join(root, 'usr/lib/linux-far/x/far.h'), '');
  mkdirSync(join(headers, 'include/deep'));
  symlinkSync('/usr/lib/linux-far/x/far.h', join(headers, 'include/deep/far.h'));
  writeFileSync(join(headers, 'Makefile'), headersMakefile('cat $(CURDIR)/include/deep/far.h'));
  const { status, stderr } = await build();
  expect([status, stderr]).toEqual([0, expect.stringContaining('proofs')]);
  expect(readdirSync(work)).toEqual([]);
});

test('what no headers have ends the make that has begun with them, though that waits for it', async () => {
  const { work, build, headers } = await guest();
  sh('mkdir "$1/include/deep"; mkfifo "$1/include/deep/fifo"', headers);
  writeFileSync(join(headers, 'Makefile'), `X := $(shell cat include/deep/fifo)\n${headersMakefile()}`);
  const { status, stdout } = await build();
  expect([status, JSON.parse(stdout).error.code]).toEqual([3, 'E_FILE_UNSAFE']);
  expect(readdirSync(work)).toEqual([]);
  expect(sh('ps -eo args | grep -c "[c]at include/deep/fifo" || :').trim()).toBe('0');
});

test('headers that are replaced while make works are E_FILE_CHANGED', async () => {
  const { root, build, headers } = await guest();
  const go = join(headers, 'include/go');
  const waits = 'touch $(M)/waits; while ! [ -e $(CURDIR)/include/go ]; do sleep 0.1; done';
  writeFileSync(join(headers, 'Makefile'), headersMakefile(waits));
  const building = build();
  await until(() => sh('ps -eo args | grep -c "[n]clude/go" || :').trim() !== '0');
  // The look is over, and the whole is read: the module that make compiles now is there.
  await until(
    () => sh('find "$1" -name mptscsih.c 2>/dev/null | wc -l', join(root, '../work')).trim() !== '0',
  );
  writeFileSync(go, '');
  const { status, stdout } = await building;
  expect([status, JSON.parse(stdout).error.code]).toEqual([3, 'E_FILE_CHANGED']);
  expect(existsSync(join(root, 'lib/modules', RELEASE, 'mptfix'))).toBe(false);
});
