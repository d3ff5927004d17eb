/**
 * The shape of every x86 opcode, as far as an instruction's length and operands' places depend on it: Intel SDM,
 * volume 2, appendix A (opcode maps), with AMD's additions. One letter an opcode:
 *
 *   `.` nothing follows · `m` ModRM · `b` 8-bit immediate · `z` 16 or 32 by operand size · `v` the same, but 64 with
 *   REX.W · `B`, `Z` ModRM and then that immediate · `r` 8-bit branch · `R` 32-bit branch (16 with an operand-size
 *   prefix in 32-bit code) · `w` 16-bit immediate · `e` 16 and 8 bits (enter) · `f` far pointer · `o` address-sized
 *   offset · `g`, `G` ModRM and an immediate only where its reg field is 0 or 1 (8-bit, by operand size) ·
 *   `c` ModRM that always names a register · `p` prefix · `x` not an instruction
 * In 64-bit code the opcodes of `ONLY_32` are not instructions.
 */
export type Shape = string;

const ONE = [
  'mmmmbz..mmmmbz.p', // 00: 0f leads to the second map
  'mmmmbz..mmmmbz..',
  'mmmmbzp.mmmmbzp.',
  'mmmmbzp.mmmmbzp.',
  '................', // 40: inc, dec; REX in 64-bit code is taken off before
  '................',
  '..mmppppzZbB....',
  'rrrrrrrrrrrrrrrr',
  'BZBBmmmmmmmmmmmm',
  '..........f.....',
  'oooo....bz......',
  'bbbbbbbbvvvvvvvv',
  'BBw.mmBZe.w..b..',
  'mmmmbb..mmmmmmmm',
  'rrrrbbbbRRfr....',
  'p.pp..gG......mm',
].join('');

const ONLY_32 = new Set([
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xc4, 0xc5, 0xce,
  0xd4, 0xd5, 0xd6, 0xea,
]);

const TWO = [
  'mmmmx.....x.xm.B', // 00: 0f 0f is 3DNow!, whose last byte says which
  'mmmmmmmmmmmmmmmm',
  'ccccxxxxmmmmmmmm',
  '......x.pxpxxxxx', // 38, 3a lead to the third maps
  'mmmmmmmmmmmmmmmm',
  'mmmmmmmmmmmmmmmm',
  'mmmmmmmmmmmmmmmm',
  'BBBBmmm.mmxxmmmm',
  'RRRRRRRRRRRRRRRR',
  'mmmmmmmmmmmmmmmm',
  '...mBmmm...mBmmm',
  'mmmmmmmmmmBmmmmm',
  'mmBmBBBm........',
  'mmmmmmmmmmmmmmmm',
  'mmmmmmmmmmmmmmmm',
  'mmmmmmmmmmmmmmmm',
].join('');

/** Opcode maps: 0 one byte, 1 after 0f, 2 after 0f 38, 3 after 0f 3a; 5 and 6 exist with EVEX only. */
export type OpcodeMap = 0 | 1 | 2 | 3 | 5 | 6;

export function shapeOf(map: OpcodeMap, opcode: number, mode: 32 | 64): Shape {
  if (map === 0) return mode === 64 && ONLY_32.has(opcode) ? 'x' : (ONE[opcode] ?? 'x');
  if (map === 1) return TWO[opcode] ?? 'x';
  return map === 3 ? 'B' : 'm';
}
