import { expect, it } from 'vitest';
import { FAILURES, lasts } from '../../../lab/failure/failures.ts';
import { FAILURE_KINDS } from '../../../lab/trial/record.ts';

it('has every kind of failure, and sense with CHECK CONDITION alone', () => {
  expect(Object.keys(FAILURES).sort()).toEqual([...FAILURE_KINDS].sort());
  const refusals = Object.values(FAILURES).filter((one) => one.does === 'refuse');
  for (const { status, sense } of refusals) expect(sense !== undefined).toBe(status === 0x02);
});

it('lasts as long as its row says; slow answers last a minute, however late each is', () => {
  expect([lasts('busy', 15), lasts('lost-connection', 200), lasts('slow', 5), lasts('slow', 45)]).toEqual([
    15, 200, 60, 60,
  ]);
});
