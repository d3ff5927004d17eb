import { expect, test } from 'vitest';
import { loadCatalogue, parseStored } from '../../../src/driver/patch/catalogue.ts';

const DIFF = '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n';
const HEADER =
  'Title: t\nKernels: >=2.6.14\nFile: mptscsih.c\nUpstream: ad8c31bb69d60c0c6bc6431bccdf67e5a96c0d31\nLicense: GPL-2.0\n';

test('every stored diff is sound, and touches the file that it names', () => {
  const catalogue = loadCatalogue();
  expect(catalogue.map((stored) => stored.file)).toEqual(expect.arrayContaining(['mptscsih.c', 'mptscsi.c']));
  for (const stored of catalogue) {
    expect(stored.diff.oldPath).toBe(`a/drivers/message/fusion/${stored.file}`);
    expect(stored.license).toBe('GPL-2.0');
    expect(stored.diff.hunks).toHaveLength(1);
  }
});

test('a header is read', () => {
  expect(parseStored('n', `${HEADER}Distro: d\n\n${DIFF}`)).toMatchObject({
    name: 'n',
    title: 't',
    kernels: '>=2.6.14',
    distro: 'd',
  });
});

test.each([
  ['a missing key', HEADER.replace('Title: t\n', ''), /Title: is missing/],
  ['an unknown key', `Author: x\n${HEADER}`, /Author: is not known/],
  ['a key twice', HEADER + HEADER, /Title: is given twice/],
  ['a bad range', HEADER.replace('>=2.6.14', 'old ones'), /Kernels: is not a semver range/],
  ['a bad commit', HEADER.replace('ad8c31', 'xyz'), /Upstream: is not a commit/],
  ['another file', HEADER.replace('mptscsih.c', 'mptspi.c'), /File: is neither/],
  ['prose', `hello\n${HEADER}`, /'hello' is not a 'Key: value'/],
])('%s is refused, by name', (_name, header, reason) => {
  expect(() => parseStored('bad', header + DIFF)).toThrow(reason);
  expect(() => parseStored('bad', header + DIFF)).toThrow(/patches\/bad\.patch/);
});

test('all that is wrong is told at once', () => {
  expect(() => parseStored('bad', 'File: x\nno diff\n')).toThrow(
    /'---'.*Title: is missing.*Kernels: is missing/,
  );
});
