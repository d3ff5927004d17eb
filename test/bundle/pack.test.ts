import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type BundleContent, bundleName } from '../../src/bundle/content.ts';
import { readInstaller } from '../../src/bundle/installer.ts';
import { packBundle } from '../../src/bundle/pack.ts';
import { isFailure } from '../../src/errors.ts';
import { ARTIFACT } from '../faults/artifact.ts';
import { temporary } from '../machine/temporary.ts';

const CONTENT: BundleContent = {
  kernel: { release: '2.6.18-8.el5', base: '2.6.18', distro: 'RHEL 5', packageVersion: null },
  architecture: 'i386',
  module: {
    name: 'mptscsih',
    path: '/lib/modules/2.6.18-8.el5/kernel/drivers/message/fusion/mptscsih.ko',
    sha256: '0'.repeat(64),
  },
  bytes: Buffer.from('module'),
  artifact: ARTIFACT,
  reindex: false,
  tool: 'mptfix 0.0.0',
};

test('the same content gives the same bytes, in whole blocks', async () => {
  const installer = await readInstaller();
  const one = packBundle(CONTENT, installer);
  expect(one.equals(packBundle(structuredClone(CONTENT), installer))).toBe(true);
  expect(one.length % 512).toBe(0);
  expect(bundleName(CONTENT)).toBe('mptfix-mptscsih-2.6.18-8.el5-i386.run');
});

test('tar reads the payload where the file says that it is', async () => {
  const bundle = packBundle(CONTENT, await readInstaller());
  const skip = Number(/^PAYLOAD_SKIP='(\d+)'$/m.exec(bundle.toString('latin1'))?.[1]);
  const files = execFileSync('tar', ['tf', '-'], { input: bundle.subarray(skip * 512), encoding: 'utf8' });
  expect(files.trim().split('\n')).toEqual(['module', 'kernel.json', 'artifact.json', 'statement.json']);
});

test('shellcheck has nothing to say of the sh in it', async () => {
  const folder = await temporary();
  const bundle = packBundle(CONTENT, await readInstaller()).toString('latin1');
  writeFileSync(join(folder, 'bundle.sh'), bundle.slice(0, bundle.indexOf('\nexit 1\n') + 8));
  const run = (): string =>
    execFileSync('shellcheck', ['-s', 'sh', join(folder, 'bundle.sh')], { encoding: 'utf8' });
  expect(run).not.toThrow();
});

describe('a path that a shell could take for more than a path is refused', () => {
  test.each([
    "/lib/modules/2.6.18-8.el5/a'; reboot; '/mptscsih.ko",
    '/lib/modules/2.6.18-8.el5/$(reboot)/mptscsih.ko',
    '/lib/modules/2.6.18-8.el5/../../../etc/mptscsih.ko',
    '/lib/modules/2.6.18-8.el5/a b/mptscsih.ko',
    '/lib/modules/2.6.18-9.el5/mptscsih.ko',
    '/lib/modules/2.6.18-8.el5/mptbase.ko',
  ])('%s', async (path) => {
    const installer = await readInstaller();
    const refused = (): unknown => packBundle({ ...CONTENT, module: { ...CONTENT.module, path } }, installer);
    expect(refused).toThrow();
    try {
      refused();
    } catch (error) {
      expect(isFailure(error) && error.failure.code).toBe('E_OUTPUT');
    }
  });
});
