import { describe, expect, test } from 'vitest';
import { mptfix } from '../helpers/cli.ts';
import { logFile } from './diagnosis.ts';
import { diagnosed, logOf } from './in-process.ts';
import { DRIVER_BUG, syslog } from './sequences.ts';

const VOLUME = 'naa.6000aaaa00000000000000000000beef';
/** One command that failed below the guests, as ESXi logs it. */
const failed = (statuses: string, opcode = '2a'): string =>
  `2008-06-12T11:20:03.123Z cpu7:8199)ScsiDeviceIO: 2329: Cmd(0x41244a0b1c40) 0x${opcode}, CmdSN 0x800e0011 from world 9724 to dev "${VOLUME}" failed ${statuses}\n`;
const BUSY = failed('H:0x0 D:0x8 P:0x0 Possible sense data: 0x0 0x0 0x0.');
const ORDINARY = '2008-06-12T11:20:03.123Z cpu2:8194)Vol3: 1604: Opening volume datastore1\n';

test.each([
  ['BUSY', BUSY, 'cause-not-told', /D:0x8 BUSY.*answered BUSY/],
  [
    'the array itself',
    failed('H:0x0 D:0x2 P:0x0 Valid sense data: 0x4 0x44 0x0.'),
    'other',
    /0x4\/0x44.*internal failure/,
  ],
  [
    'a lost path',
    failed('H:0x1 D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0.'),
    'cause-not-told',
    /H:0x1 NO_CONNECT/,
  ],
  ['a timeout', failed('H:0x3 D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0.'), 'timeouts', /H:0x3 TIMEOUT/],
  [
    'a reservation',
    failed('H:0x0 D:0x18 P:0x0 Possible sense data: 0x0 0x0 0x0.'),
    'other',
    /RESERVATION_CONFLICT/,
  ],
])('a hypervisor’s log is decoded, and is no guest’s: %s', async (_, line, cause, evidence) => {
  const { verdict, incidents, looked } = await diagnosed(line.repeat(3));
  expect(verdict).toBe(cause);
  expect(incidents).toMatchObject([{ hypervisor: true, volumes: [VOLUME], messages: 3, doubts: [] }]);
  expect(incidents[0]?.verdict.evidence).toEqual([expect.stringMatching(evidence)]);
  expect(looked).toMatchObject({ lines: 3, kernelLines: 0, hypervisorLines: 3 });
});

describe('the page', () => {
  test('says whose log it is, what it means, and where to look next', async () => {
    const { status, stdout } = await mptfix(['diagnose', await logFile(BUSY)]);
    expect(status).toBe(0);
    expect(stdout).toContain('1. A HYPERVISOR’S LOG');
    expect(stdout).toContain(`volume:   ${VOLUME}`);
    expect(stdout).toMatch(/next\n +on the guests of this hypervisor: `mptfix diagnose` tells/);
  });
});

test('a hypervisor’s log without a failed command says nothing of a guest', async () => {
  for (const text of [
    ORDINARY,
    `${ORDINARY}${failed('H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x20 0x0.', '85')}`,
  ]) {
    const found = await diagnosed(text);
    expect(found).toMatchObject({ verdict: 'cannot-tell', incidents: [] });
    expect(found.cannotTell[0]).toContain('this is the log of a hypervisor');
  }
});

test('beside the guest’s own log it is an incident of its own, and the guest’s decides', async () => {
  const guest = syslog('Jun 12 11:20:', DRIVER_BUG);
  const { verdict, incidents } = await diagnosed([logOf(guest, 'messages'), logOf(BUSY, 'vmkernel.log')]);
  expect(verdict).toBe('this-bug');
  expect(incidents.map((one) => [one.hypervisor, one.verdict.cause]).sort()).toEqual([
    [false, 'this-bug'],
    [true, 'cause-not-told'],
  ]);
});

test('also where neither log names its host', async () => {
  const guest = DRIVER_BUG.map((text, at) => `2008-06-12T11:20:0${at}Z ${text}\n`).join('');
  const { incidents } = await diagnosed(guest + BUSY);
  expect(incidents.map((one) => [one.hypervisor, one.messages])).toEqual([
    [false, 10],
    [true, 1],
  ]);
});
