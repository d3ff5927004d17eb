import { describe, expect, test } from 'vitest';
import { causeOf } from '../../src/kernel-log/cause.ts';
import { lineEvents } from '../../src/kernel-log/events.ts';
import { decodeResult, describeResult, hostByteValue } from '../../src/kernel-log/result-code.ts';

const cause = (line: string) => {
  const [event] = lineEvents(line);
  if (event === undefined) throw new Error(`no event in ${line}`);
  return causeOf(event);
};

describe('a result’s bytes are named:', () => {
  test.each([
    [0x00020008, 'host DID_BUS_BUSY (0x02), status BUSY (0x08)'],
    [0x00000008, 'host DID_OK (0x00), status BUSY (0x08)'],
    [0x08000002, 'host DID_OK (0x00), status CHECK_CONDITION (0x02), driver DRIVER_SENSE (0x08)'],
    [0x00010000, 'host DID_NO_CONNECT (0x01), status GOOD (0x00)'],
    [
      0x28000002,
      'host DID_OK (0x00), status CHECK_CONDITION (0x02), driver DRIVER_SENSE (0x08), suggestion SUGGEST_ABORT (0x20)',
    ],
    [0x000e0000, 'host DID_TRANSPORT_DISRUPTED (0x0e), status GOOD (0x00)'],
    [0x06000000, 'host DID_OK (0x00), status GOOD (0x00), driver DRIVER_TIMEOUT (0x06)'],
    [0x00ff00fe, 'host 0xff, status 0xfe'],
    [0x00000700, 'host DID_OK (0x00), status GOOD (0x00), message MESSAGE_REJECT (0x07)'],
  ])('%i', (code, text) => {
    expect(describeResult(decodeResult(code))).toBe(text);
  });

  test('the highest bit makes no negative number', () => {
    expect(decodeResult(0x80020008 | 0).code).toBe(0x80020008);
  });

  test('a number that kernels name differently says so', () => {
    expect(decodeResult(0x000e0008).host.era).toMatch(/RHEL 4 .*DID_COND_REQUEUE/);
    expect(decodeResult(0x00020008).host.era).toBe(undefined);
  });

  test('a host byte is known by name and by number', () => {
    expect(['DID_BUS_BUSY', '0x02', 'DID_OK', 'invalid', '0x123'].map(hostByteValue)).toEqual([
      2,
      2,
      0,
      undefined,
      undefined,
    ]);
  });
});

describe('this bug and no other:', () => {
  test.each([
    'SCSI error : <0 0 0 0> return code = 0x20008',
    'SCSI disk error : host 0 channel 0 id 0 lun 0 return code = 20008',
    'sd 0:0:1:0: SCSI error: return code = 0x00020008',
    // What a driver byte says beside it changes nothing.
    'sd 0:0:1:0: SCSI error: return code = 0x10020008',
  ])('%s', (line) => {
    expect(cause(line)).toMatchObject({ cause: 'this-bug', certainty: 'certain' });
  });

  test.each([
    'sd 0:0:0:0: [sda] Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK,SUGGEST_OK',
    'sd 0:0:0:0: [sda] Result: hostbyte=0x02 driverbyte=0x00',
  ])('without a status it is likely: %s', (line) => {
    expect(cause(line)).toMatchObject({ cause: 'this-bug', certainty: 'likely' });
  });

  test.each([
    ['sd 0:0:0:0: SCSI error: return code = 0x00000008', 'likely'],
    ['sd 0:0:0:0: timing out command, waited 180s', 'certain'],
  ])('the storage was away for longer than the kernel waits: %s', (line, certainty) => {
    expect(cause(line)).toMatchObject({ cause: 'window-used-up', certainty });
  });

  test.each([
    // Host byte alone is not enough: SAS nexus loss.
    'sd 0:0:0:0: SCSI error: return code = 0x00020000',
    'sd 0:0:0:0: SCSI error: return code = 0x00010000',
    'SCSI error : <0 0 0 0> return code = 0x8000002',
    'sd 0:0:0:0: [sda] tag#3 FAILED Result: hostbyte=DID_OK driverbyte=DRIVER_TIMEOUT',
  ])('another cause: %s', (line) => {
    expect(cause(line)).toMatchObject({ cause: 'other' });
  });

  test('a message of another layer says nothing of the cause', () => {
    expect(cause('end_request: I/O error, dev sda, sector 1138')).toBe(undefined);
  });
});
