import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isAsPackaged } from '../../src/guest/packaged-file.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { type Entries, temporary } from '../machine/temporary.ts';

const RELEASE = '6.1.0-9-amd64';
const MODULE = `lib/modules/${RELEASE}/kernel/drivers/message/fusion/mptscsih.ko`;
const sum = (text: string) => createHash('md5').update(text).digest('hex');
const sums = (text: string, name: string, file: string): Entries => ({
  [`var/lib/dpkg/info/${name}.md5sums`]: `${sum('a')}  etc/a\n${sum(text)}  ${file}\n${sum('b')}  x/${file}\n`,
});

test.each<readonly [string, Entries, boolean | null]>([
  ['the package’s own', sums('own', `linux-image-${RELEASE}`, MODULE), true],
  ['of Ubuntu’s other package', sums('own', `linux-modules-extra-${RELEASE}`, MODULE), true],
  ['of a merged /usr', sums('own', `linux-image-${RELEASE}`, `usr/${MODULE}`), true],
  ['another', sums('package’s', `linux-image-${RELEASE}`, MODULE), false],
  ['of a package that does not bring it', sums('own', `linux-image-${RELEASE}`, `${MODULE}.xz`), null],
  ['of another kernel’s package', sums('own', 'linux-image-6.1.0-8-amd64', MODULE), null],
  ['a list without sums', { [`var/lib/dpkg/info/linux-image-${RELEASE}.md5sums`]: `  ${MODULE}\n` }, null],
  ['a guest without dpkg', {}, null],
])('the module is %s', async (_, entries, answer) => {
  const target = rootTarget(await temporary({ [MODULE]: 'own', ...entries }), { dryRun: true });
  expect(await isAsPackaged(target, RELEASE, `/${MODULE}`)).toBe(answer);
});
