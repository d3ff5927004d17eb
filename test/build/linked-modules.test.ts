import { describe, expect, test } from 'vitest';
import { proveDependencies } from '../../src/build/linked-modules.ts';
import { workspaceForTest } from '../machine/temporary.ts';
import { moduleBytes } from './module-fixture.ts';

/** All that the module calls. */
const OTHERS = ['report_full', 'copy_sense'];
const CRCS = { say: 0x1234abcd, report_full: 0x92997ed8, copy_sense: 0x92997ed8 };

/** What depmod says of a module that calls the kernel’s functions, with this Module.symvers. */
async function prove(symvers: string) {
  const modules = [{ name: 'mptscsih', bytes: await moduleBytes({ crcs: CRCS }) }];
  const { ok, detail } = await proveDependencies(
    await workspaceForTest(),
    '2.6.9-34.ELsmp',
    modules,
    symvers,
  );
  return [ok, detail];
}

const ERAS = [
  ['four columns, as from 2.6.18 on', '\tEXPORT_SYMBOL'],
  ['three columns, as before', ''],
] as const;

describe.each(ERAS)('Module.symvers with %s', (_, behind) => {
  const line = (crc: string, name: string) => `${crc}\t${name}\tvmlinux${behind}\n`;
  const other = OTHERS.map((name) => line('0x92997ed8', name)).join('');

  test('knows the kernel’s symbols, also on a last line without an end', async () => {
    const known = [true, 'depmod -e of mptscsih: every symbol is known, every CRC agrees'];
    expect(await prove(line('0x1234abcd', 'say') + other)).toEqual(known);
    expect(await prove(other + line('0x1234abcd', 'say').trimEnd())).toEqual(known);
  });

  test('and not what it does not list', async () => {
    expect(await prove(other)).toEqual([false, 'mptscsih.ko needs unknown symbol say']);
  });

  test('nor another CRC', async () => {
    const result = await prove(other + line('0x1234abce', 'say'));
    expect(result).toEqual([false, 'mptscsih.ko disagrees about version of symbol say']);
  });
});
