import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { writeSmallTree } from '../helpers/small-tree.ts';
import { sh, temporary } from '../machine/temporary.ts';

const DRIVER = 'drivers/message/fusion/mptscsih.c';

describe('check --source names the file that it judged', () => {
  test('in a tarball by its place there, and on the disk by its path', async () => {
    const work = await temporary();
    writeSmallTree(join(work, 'linux-6.1.9'));
    sh('cd "$1"; tar -cf tree.tar linux-6.1.9', work);
    for (const [source, file] of [
      [join(work, 'tree.tar'), `linux-6.1.9/${DRIVER}`],
      [join(work, 'linux-6.1.9'), join(work, 'linux-6.1.9', DRIVER)],
      [join(work, 'linux-6.1.9/drivers/message/fusion'), join(work, 'linux-6.1.9', DRIVER)],
      [join(work, 'linux-6.1.9', DRIVER), join(work, 'linux-6.1.9', DRIVER)],
    ] as const) {
      const run = await mptfix(['check', '--source', source, '--json']);
      expect([run.status, json(run).driver.file]).toEqual([10, file]);
      expect(json(run).evidence[0].file).toBe(file);
    }
  });

  test('and is refused where there are two, which are both named', async () => {
    const work = await temporary();
    writeSmallTree(join(work, 'linux-6.1.9'));
    cpSync(join(work, 'linux-6.1.9'), join(work, 'linux-6.1.8'), { recursive: true });
    sh('cd "$1"; tar -cf both.tar linux-6.1.8 linux-6.1.9', work);
    for (const source of [join(work, 'both.tar'), work]) {
      const run = await mptfix(['check', '--source', source, '--json']);
      expect([run.status, json(run).error.code]).toEqual([3, 'E_DRIVER_NOT_IN_SOURCE']);
      for (const tree of ['linux-6.1.8', 'linux-6.1.9']) expect(json(run).error.what).toContain(tree);
    }
  });
});
