import { expect, test } from 'vitest';
import { sameSource } from '../../bench/releases.ts';

const OURS = { release: '6.1.0-56-amd64', version: '6.1.192-2' };

test('kernels of one source are those of the same upstream version, newest first, and each once', () => {
  const offered = [
    { release: '6.1.0-9-amd64', version: '6.1.27-1' },
    { release: '6.1.0-54-amd64', version: '6.1.190-1' },
    { release: '6.1.0-55-amd64', version: '6.1.192-1' },
    { release: '6.1.0-56-rt-amd64', version: '6.1.192-2' },
    { release: '6.1.0-56-rt-amd64', version: '6.1.192-2' },
    OURS,
  ];
  expect(sameSource(OURS, offered)).toEqual(['6.1.0-56-rt-amd64', '6.1.0-55-amd64']);
});

test('kernels for clouds have no driver, so they are none of them', () => {
  expect(sameSource(OURS, [{ release: '6.1.0-56-cloud-amd64', version: '6.1.192-2' }])).toEqual([]);
});

test('10 is newer than 9', () => {
  const offered = ['9', '10'].map((abi) => ({ release: `6.1.0-${abi}-amd64`, version: '6.1.192-1' }));
  expect(sameSource(OURS, offered)).toEqual(['6.1.0-10-amd64', '6.1.0-9-amd64']);
});
