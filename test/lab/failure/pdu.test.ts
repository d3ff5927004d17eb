import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  isAnswer,
  isLastOfAnswer,
  type Pdu,
  pduSplitter,
  refusal,
  taskOf,
  withoutEffect,
} from '../../../lab/failure/pdu.ts';

interface Given {
  readonly opcode: number;
  readonly flags: number;
  readonly words: number;
  readonly data: number;
}

function pduOf({ opcode, flags, words, data }: Given): Pdu {
  const header = Buffer.alloc(48, 0x55);
  header.writeUInt8(opcode, 0);
  header.writeUInt8(flags, 1);
  header.writeUInt8(words, 4);
  header.writeUIntBE(data, 5, 3);
  // What follows looks like responses, so that a cut in the wrong place would show.
  return { header, rest: Buffer.alloc(words * 4 + Math.ceil(data / 4) * 4, 0x21) };
}

const pdu = fc
  .record({
    opcode: fc.constantFrom(0x01, 0x21, 0x25, 0x61),
    flags: fc.constantFrom(0, 1, 0x80, 0x81),
    words: fc.nat(2),
    data: fc.nat(70),
  })
  .map(pduOf);

describe('pduSplitter', () => {
  it('gives each PDU once, whole and unchanged, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(pdu),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (pdus, cuts) => {
          const stream = Buffer.concat(pdus.map(bytesOf));
          const split = pduSplitter();
          const found: Pdu[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn += 1) {
            const length = cuts[turn % cuts.length] ?? 1;
            found.push(...split(stream.subarray(at, at + length)));
            at += length;
          }
          expect(found).toEqual(pdus);
        },
      ),
    );
  });

  it('gives nothing of a PDU that has not come to its end', () => {
    const bytes = bytesOf(pduOf({ opcode: 0x25, flags: 0, words: 1, data: 9 }));
    expect(pduSplitter()(bytes.subarray(0, -1))).toEqual([]);
  });
});

describe('isAnswer, isLastOfAnswer', () => {
  it.each([
    [0x21, 0x80, true, true],
    // Data-In, without and with a status.
    [0x25, 0x00, true, false],
    [0x25, 0x81, true, true],
    // NOP-In, a command.
    [0x20, 0x81, false, false],
    [0x01, 0x81, false, false],
  ])('of opcode %i with flags %i: %s, %s', (opcode, flags, answer, last) => {
    const one = pduOf({ opcode, flags, words: 0, data: 0 });
    expect([isAnswer(one), isLastOfAnswer(one)]).toEqual([answer, last]);
  });
});

describe('withoutEffect', () => {
  it('makes TEST UNIT READY of a write with its data, and keeps task, LUN and numbers', () => {
    const write = pduOf({ opcode: 0x01, flags: 0xa1, words: 1, data: 512 });
    const { header, rest } = withoutEffect(write);
    expect(rest.length).toBe(0);
    expect(header.subarray(0, 8).toString('hex')).toBe('0181555500000000');
    // LUN and task; expected length; CmdSN and ExpStatSN.
    expect(header.subarray(8, 20)).toEqual(write.header.subarray(8, 20));
    expect(header.readUInt32BE(20)).toBe(0);
    expect(header.subarray(24, 32)).toEqual(write.header.subarray(24, 32));
    expect(header.subarray(32)).toEqual(Buffer.alloc(16));
  });
});

describe('refusal', () => {
  const good = pduOf({ opcode: 0x21, flags: 0x82, words: 0, data: 3 });

  it('says BUSY, without residual and data', () => {
    const { header, rest } = refusal(good, 0x08, undefined);
    expect(header.subarray(0, 8).toString('hex')).toBe('2180000800000000');
    expect(taskOf({ header, rest })).toBe(taskOf(good));
    expect(header.subarray(24, 44)).toEqual(good.header.subarray(24, 44));
    expect([header.readUInt32BE(44), rest.length]).toEqual([0, 0]);
  });

  it('says CHECK CONDITION with fixed-format sense behind its length', () => {
    const { header, rest } = refusal(good, 0x02, { key: 0x02, code: 0x04, qualifier: 0x03 });
    expect([header.readUInt8(3), header.readUIntBE(5, 3)]).toEqual([2, 20]);
    expect(rest.toString('hex')).toBe('001270000200000000' + '0a' + '00000000' + '0403' + '00000000');
  });
});
