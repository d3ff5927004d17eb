import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mptfix, type Run } from '../helpers/cli.ts';
import { writeSmallTree } from '../helpers/small-tree.ts';
import { sh, temporary } from '../machine/temporary.ts';

const RELEASE = '6.1.9-1-small';

/** A function whose registers the compiler may choose, behind the completion routine. */
const OTHER = `int table[64];
int mptscsih_flush(int *from, int many) {
  int sum = 0;
  for (int at = 0; at < many; at++) {
    table[at & 63] = from[at] * 3 + sum; sum ^= from[at + 1] * 5; table[(at + 9) & 63] += sum;
    sum += printk("flush", from[at + 2] - sum, sum * 7, at);
  }
  return sum;
}
`;

/** Builds in a tree whose make gives gcc further options where it compiles a driver without the branch. */
async function build(options: string): Promise<Run> {
  const folder = await temporary();
  const source = join(folder, 'source');
  writeSmallTree(source);
  appendFileSync(join(source, 'drivers/message/fusion/mptscsih.c'), OTHER);
  const makefile = join(source, 'Makefile');
  const branch = "grep -A1 'scsi_status == MPI_SCSI_STATUS_BUSY' $< | grep -q DID_BUS_BUSY";
  const flags = `$(shell ${branch} || echo ${options})`;
  writeFileSync(
    makefile,
    readFileSync(makefile, 'utf8').replace('gcc -O2', () => `gcc -O2 ${flags}`),
  );
  writeFileSync(join(folder, 'config'), 'CONFIG_FUSION=y\nCONFIG_MODULES=y\n');
  sh(
    'cp -a "$1" "$2/own" && make -s -C "$2/own" modules KERNELRELEASE="$3" && strip -g -o "$2/mptscsih.ko" "$2/own/drivers/message/fusion/mptscsih.ko"',
    source,
    folder,
    RELEASE,
  );
  const given = ['--source', source, '--config', join(folder, 'config')];
  const kernel = ['--module', join(folder, 'mptscsih.ko'), '--kernel', RELEASE];
  const output = ['--output', join(folder, 'out'), '--work', folder];
  return mptfix(['build', '--whole-tree', '--full', ...given, ...kernel, ...output]);
}

/** As gcc 4.1 did by itself: other registers, but not with -fno-peephole2. */
const BY_PEEPHOLES = '$(if $(CFLAGS_mptscsih.o),,-frename-registers)';

test('other registers in other functions are no other function, where both builds agree without peepholes', async () => {
  const { status, stdout, stderr } = await build(BY_PEEPHOLES);
  expect(`${status} ${stderr}`).toMatch(/^0 /);
  expect(stdout).toContain(
    'only the branch: only mptscsih_io_done differs from the unchanged source’s build; ' +
      'gcc chose other registers in mptscsih_flush, which it does not where both are built with -fno-peephole2',
  );
});

test('where they differ all the same, the proof fails', async () => {
  const { status, stderr } = await build('-frename-registers');
  expect([status, stderr]).toEqual([7, expect.stringContaining('functions that differ: mptscsih_flush')]);
});

test('a function that does something else is refused without a further build', async () => {
  const { status, stderr } = await build(`$(if $(CFLAGS_mptscsih.o),,-Dprintk=other_printk)`);
  expect([status, stderr]).toEqual([7, expect.stringContaining('functions that differ: mptscsih_flush')]);
  expect(stderr).not.toContain('build again');
});
