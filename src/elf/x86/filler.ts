import type { FunctionBody } from '../functions.ts';
import { sweep } from './sweep.ts';

/**
 * Instructions that do nothing, with which assemblers fill up to an alignment, as hexadecimal digits: `nop` of one to
 * eleven bytes; on i386 also `mov %esi,%esi` and `lea 0(%esi),%esi` in all their lengths.
 * Source: the tables of fills in gas/config/tc-i386.c, binutils 2.16 and 2.40.
 */
const NOP = /^((66)*90|(66|2e)*0f1f(00|4000|440000|80(00){4}|84(00){5}))$/;
const MOVES_TO_ITSELF =
  /^(89(f6|ff)|8d(7600|7f00|742600|7c2700|b6(00){4}|bf(00){4}|b426(00){4}|bc27(00){4}))$/;

/**
 * How many bytes of some code are left without what fills it up behind. All of them where the code is not understood.
 */
export function sizeWithoutFiller(body: FunctionBody, mode: 32 | 64): number {
  const { instructions = [] } = sweep(body, mode);
  const last = instructions.findLast(({ offset, length }) => {
    const digits = Buffer.from(body.bytes.subarray(offset, offset + length)).toString('hex');
    return !(NOP.test(digits) || (mode === 32 && MOVES_TO_ITSELF.test(digits)));
  });
  return last === undefined ? body.bytes.length : last.offset + last.length;
}
