import { expect, test } from 'vitest';
import { actOnHosts } from '../../../src/commands/shared/hosts.ts';
import { failure } from '../../../src/errors.ts';
import { typed } from '../../../src/typed.ts';
import { failureOf } from '../../machine/temporary.ts';

const view = { json: true, verbose: false };

/** What is done to guests by name, in turn: `bad` ends with an error of status 3. */
async function acts(hosts: readonly string[], failFast: boolean): Promise<[readonly string[], number]> {
  const done: string[] = [];
  const status = await actOnHosts(
    {
      schema: 'mptfix.tests/1',
      guests: hosts.map((host) => ({ ...view, host })),
      failFast,
      act: async ({ host }) => {
        done.push(typed('status'));
        if (host === 'bad') throw failure('E_NOT_ROOT', 'it is refused', 'be root');
        if (host === 'gone') throw failure('E_HOST_LOST', 'it is gone', 'look at it');
        return { host };
      },
      cells: ({ host }) => ['patched', host, '1'],
      show: (_, { host }) => {
        done.push(`alone: ${host}`);
        return 0;
      },
    },
    view,
    new AbortController().signal,
  );
  return [done, status];
}

test('one guest is shown alone, and its error is the end; of several each is tried, or up to the first that fails', async () => {
  expect(await acts(['a'], false)).toEqual([['`mptfix status --host a`', 'alone: a'], 0]);
  expect((await failureOf(acts(['bad'], false))).code).toBe('E_NOT_ROOT');
  // The way on is the command of this run, whoever is lost.
  expect((await failureOf(acts(['gone'], false))).next).toMatch(/^when the guest answers again: `/);
  const [bad, b] = ['`mptfix status --host bad`', '`mptfix status --host b`'];
  expect(await acts(['bad', 'b'], false)).toEqual([[bad, b], 3]);
  expect(await acts(['bad', 'b'], true)).toEqual([[bad], 3]);
});

test('a name that ssh could take for an option keeps every guest from being changed', async () => {
  expect((await failureOf(acts(['a', '-oProxyCommand=x'], false))).code).toBe('E_USAGE');
});
