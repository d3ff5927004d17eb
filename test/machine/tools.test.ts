import { expect, test } from 'vitest';
import { missingTools, requireTools, TOOLS } from '../../src/machine/tools.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { failureOf } from './temporary.ts';

const machine = localTarget({ dryRun: true });
const ABSENT = [
  { name: 'no-such-tool-1', package: 'brings-both' },
  { name: 'no-such-tool-2', package: 'brings-both' },
  { name: 'no-such-tool-3', package: 'brings-one' },
];

test('what is installed is found, and what is not is named with the one command that brings it', async () => {
  await requireTools(machine, [TOOLS.gzip, TOOLS.depmod]);
  expect(await missingTools(machine, [TOOLS.make, ...ABSENT, TOOLS.flock])).toEqual(ABSENT);
  const { code, what, next } = await failureOf(requireTools(machine, [TOOLS.make, ...ABSENT]));
  expect([code, next]).toEqual(['E_TOOLS_MISSING', expect.stringContaining(' brings-both brings-one`')]);
  expect(what).toContain('no-such-tool-1, no-such-tool-2, no-such-tool-3');
});
