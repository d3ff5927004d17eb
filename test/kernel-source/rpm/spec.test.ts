import { describe, expect, test } from 'vitest';
import { driverPart } from '../../../src/kernel-source/rpm/driver-part.ts';
import { readPreparation } from '../../../src/kernel-source/rpm/spec.ts';

/** A spec as rpm has expanded it, with this as its %prep. */
const spec = (prep: string): string => `Name: kernel
Version: 2.6.18
Source0: http://kernel.invalid/linux-2.6.18.tar.bz2
Source1: Makefile.config
Patch1: patch-2.6.18.4.bz2
Patch20: linux-2.6-fusion.patch
Patch: linux-2.6-next.patch
%description
a kernel
%prep
${prep}
%build
patch -p1 < /not/of/prep
`;

describe('the patches that a spec applies are read in their order', () => {
  test.each([
    ['numbers', '%setup -q\n%patch20 -p1\n%patch1 -p1', ['linux-2.6-fusion.patch', 'patch-2.6.18.4.bz2']],
    [
      'numbers as an option',
      '%patch -P 20 -p1 -F2\n%patch -P1 -p1',
      ['linux-2.6-fusion.patch', 'patch-2.6.18.4.bz2'],
    ],
    ['all', '%autosetup -p1', ['patch-2.6.18.4.bz2', 'linux-2.6-fusion.patch', 'linux-2.6-next.patch']],
    [
      'a function',
      'ApplyPatch linux-2.6-fusion.patch\nApplyOptionalPatch none.patch',
      ['linux-2.6-fusion.patch'],
    ],
    [
      'the program',
      '/usr/bin/patch -f -p1 --fuzz=2 < /spec/linux-2.6-fusion.patch',
      ['linux-2.6-fusion.patch'],
    ],
    [
      'the program behind a decoder, on two lines',
      '/usr/lib/rpm/rpmuncompress /spec/patch-2.6.18.4.bz2 | \\\n/usr/bin/patch -p1 -s',
      ['patch-2.6.18.4.bz2'],
    ],
  ])('by %s', (_, prep, files) => {
    const { patches, doubts, tarball } = readPreparation(spec(prep));
    expect(patches.map(({ file }) => file)).toEqual(files);
    expect([doubts, tarball]).toEqual([[], 'linux-2.6.18.tar.bz2']);
  });

  test('and the function that applies them is none', () => {
    const defined = 'ApplyPatch()\n{\n  local file=$1\n  patch -p1 -F1 -s < /spec/$file\n}\n';
    const optional = 'ApplyOptionalPatch() {\n  [ -s /spec/$1 ] && ApplyPatch $1\n}\n';
    const { patches, doubts } = readPreparation(
      spec(`${defined}${optional}ApplyPatch linux-2.6-fusion.patch`),
    );
    expect(patches).toEqual([{ file: 'linux-2.6-fusion.patch', strip: 1, fuzz: 1, reverse: false }]);
    expect(doubts).toEqual([]);
  });

  test('those that are taken out again are told', () => {
    const { patches } = readPreparation(
      spec('%patch20 -p1\n%patch20 -p2 -R\n/usr/bin/patch -R -p1 < /spec/linux-2.6-next.patch'),
    );
    expect(patches.map(({ reverse }) => reverse)).toEqual([false, true, true]);
  });

  test('with how many folders are taken off, and how far off a hunk may be', () => {
    const { patches } = readPreparation(spec('%patch20 -p1 -F3\n%patch1 -p0\n%patch1'));
    expect(patches.map(({ strip, fuzz }) => [strip, fuzz])).toEqual([
      [1, 3],
      [0, undefined],
      [0, undefined],
    ]);
  });
});

describe('what may change the driver in a way that the list does not show is a doubt', () => {
  test.each([
    'sed -i s/a/b/ drivers/message/fusion/mptbase.c',
    'patch -p1 < /elsewhere/unknown.patch',
    'git am /spec/*.patch',
    'cat a.patch b.patch | patch -p1',
    'git apply x.patch',
    'for one in a b; do ApplyPatch $one; done',
    'ApplyPatch $one',
    'patch -p1 < "$1"',
    'for file in mptscsih.c; do true; done',
  ])('%s', (line) => {
    expect(readPreparation(spec(line)).doubts).toEqual([line]);
  });

  test.each([
    "perl -p -i -e 's/^EXTRAVERSION.*/EXTRAVERSION = -prep/' Makefile",
    'cp /spec/kernel-2.6.18-x86_64.config .config',
    'make ARCH=x86_64 nonint_oldconfig > /dev/null',
    'find . -name "*.orig" -exec rm -f {} \\;',
    '# patch -p1 < what.is.not.run',
  ])('but not %s', (line) => {
    expect(readPreparation(spec(line)).doubts).toEqual([]);
  });
});

describe('of a patch, the parts that change the driver or the kernel’s version stay:', () => {
  const part = (name: string, old = 'a', now = 'b'): string =>
    `--- linux-2.6.18.orig/${name}\t2006-09-20\n+++ linux-2.6.18/${name}\n@@ -1 +1 @@\n-${old}\n+${now}\n`;
  const FUSION = 'drivers/message/fusion/mptscsih.c';

  test('others go', () => {
    const patch = `words\n${part('fs/a.c')}Index: x\n${part(FUSION)}${part('Makefile', 'SUBLEVEL = 17', 'SUBLEVEL = 18')}${part('fs/Makefile')}`;
    const kept = driverPart(patch, 1) ?? '';
    expect(kept.match(/^\+\+\+ .*$/gm)).toEqual([`+++ linux-2.6.18/${FUSION}`, '+++ linux-2.6.18/Makefile']);
    expect(driverPart(part('fs/a.c'), 1)).toBe('');
    expect(driverPart(part('Makefile', 'export XEN_VERSION = 3', 'export XEN_VERSION = 4'), 1)).toBe('');
  });

  test('a removed line that looks like a header is none', () => {
    const patch = `${part('fs/a.c', `-- ${FUSION}`, `++ ${FUSION}`)}${part('fs/b.c')}`;
    expect(driverPart(patch, 1) || undefined).toBeUndefined();
  });

  test('a new file, a removed one, and a rename of git', () => {
    const added = `diff --git a/${FUSION} b/${FUSION}\nnew file mode 100644\n--- /dev/null\n+++ b/${FUSION}\n@@ -0,0 +1 @@\n+x\n`;
    const renamed = `diff --git a/fs/a.c b/${FUSION}\nsimilarity index 100%\nrename from fs/a.c\nrename to ${FUSION}\n`;
    expect(driverPart(added, 1)).toContain('new file mode');
    expect(driverPart(renamed, 1)).toContain(`rename to ${FUSION}`);
  });

  test('another form of diff that names the driver cannot be told', () => {
    expect(
      driverPart(
        `*** linux.orig/${FUSION}\n--- linux/${FUSION}\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n`,
        1,
      ),
    ).toBeUndefined();
  });
});
