import { describe, expect, test } from 'vitest';
import { lineEvents } from '../../src/kernel-log/events.ts';
import { describeHypervisorFailure, hypervisorFailure } from '../../src/kernel-log/hypervisor.ts';
import { HYPERVISOR_LINES } from './lines-hypervisor.ts';

function decoded(line: string) {
  const [event] = lineEvents(line);
  return event === undefined ? undefined : hypervisorFailure(event);
}

const failed = (status: string): string =>
  `2013-05-16T10:31:09.123Z cpu7:8199)ScsiDeviceIO: 2329: Cmd(0x41244a0b1c40) 0x2a, CmdSN 0x11 from world 9724 to dev "naa.6000beef" failed ${status}`;

describe('what failed below the guest has a meaning:', () => {
  test.each([
    ['H:0x0 D:0x8 P:0x0 Possible sense data: 0x0 0x0 0x0.', 'busy'],
    ['H:0x0 D:0x28 P:0x0 Possible sense data: 0x0 0x0 0x0.', 'queue-full'],
    ['H:0x0 D:0x2 P:0x0 Valid sense data: 0x4 0x44 0x0.', 'array-failure'],
    ['H:0x0 D:0x2 P:0x0 Valid sense data: 0x3 0x11 0x0.', 'array-failure'],
    ['H:0x0 D:0x2 P:0x0 Valid sense data: 0x2 0x4 0xa.', 'path-lost'],
    ['H:0x0 D:0x2 P:0x0 Valid sense data: 0x6 0x2a 0x6.', 'path-lost'],
    ['H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0.', 'refused'],
    ['H:0x0 D:0x2 P:0x0 Valid sense data: 0x7 0x27 0x7.', 'full'],
    ['H:0x1 D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0.', 'path-lost'],
    ['H:0x5 D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0.', 'timeout'],
    ['H:0x0 D:0x18 P:0x0 Possible sense data: 0x0 0x0 0x0.', 'reservation'],
    // Possible sense data are of an older command: they mean nothing.
    ['H:0x7 D:0x0 P:0x0 Possible sense data: 0x4 0x44 0x0.', 'other'],
  ])('%s', (status, meaning) => {
    expect(decoded(failed(status))?.meaning).toBe(meaning);
  });
});

test('numbers have VMware’s names, and the sense its meaning', () => {
  const failure = decoded(failed('H:0x0 D:0x2 P:0x0 Valid sense data: 0x4 0x44 0x0.'));
  expect(failure).toMatchObject({
    product: 'ESX',
    volume: 'naa.6000beef',
    path: null,
    opcode: 0x2a,
    host: { value: 0, name: 'OK' },
    device: { value: 2, name: 'CHECK_CONDITION' },
    plugin: { value: 0, name: 'GOOD' },
    sense: { key: { value: 4, name: 'HARDWARE ERROR' }, asc: 0x44, ascq: 0 },
  });
  expect(failure === undefined ? '' : describeHypervisorFailure(failure)).toBe(
    'H:0x0 OK, D:0x2 CHECK_CONDITION, P:0x0 GOOD, sense 0x4/0x44/0x0 HARDWARE ERROR: an internal failure of the array',
  );
});

test('ESX 3 writes the statuses in decimal', () => {
  const line = (numbers: string): string =>
    `Mar  9 23:53:24 esx3 vmkernel: 41:02:10:08.117 cpu1:1037)WARNING: SCSI: 5663: vmhba0:0:1:1 status = ${numbers} 0x0 0x0 0x0`;
  expect(decoded(line('8/0'))).toMatchObject({
    meaning: 'busy',
    path: 'vmhba0:0:1:1',
    plugin: null,
    volume: null,
  });
  expect(decoded(line('24/0'))?.meaning).toBe('reservation');
  expect(decoded(line('0/1'))?.meaning).toBe('path-lost');
});

test('every message of a hypervisor says whose it is', () => {
  for (const { line } of HYPERVISOR_LINES) {
    const events = lineEvents(line);
    expect(events.map(({ layer, writer }) => [layer, writer])).toEqual([['hypervisor', 'vmkernel']]);
  }
  expect(lineEvents(`Jul 28 07:12:29 rh5 alice: ${failed('H:0x0 D:0x8 P:0x0').slice(25)}`)).toEqual([]);
});
