/** What comes before an instruction's operands: the prefixes and the opcode. */
export interface Prefixes {
  readonly map: OpcodeMap;
  readonly opcode: number;
  /** Offset of the byte after the opcode. */
  readonly next: number;
  /** Bits that the prefixes give; an 8-bit form says so by its opcode. */
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  /** True where there is a 66, even if REX.W overrides it. */
  readonly operandPrefix: boolean;
  readonly repeat: 0 | 0xf2 | 0xf3;
  /** Bits W (8), R (4), X (2), B (1), also those of VEX and EVEX. */
  readonly rex: number;
  readonly hasRex: boolean;
  /** True for AVX and the like (VEX, EVEX, XOP), whose operands are not described further. */
  readonly vector: boolean;
}

const SEGMENTS = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]);

/** The prefixes and the opcode at `start`; undefined where the bytes end first or select no opcode map. Intel SDM, volume 2, chapter 2. */
export function readPrefixes(
  bytes: Uint8Array,
  start: number,
  mode: 32 | 64,
  end: number,
): Prefixes | undefined {
  let at = start;
  let operandPrefix = false;
  let addressPrefix = false;
  let repeat: 0 | 0xf2 | 0xf3 = 0;
  let rex = 0;
  let hasRex = false;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x66) operandPrefix = true;
    else if (byte === 0x67) addressPrefix = true;
    else if (byte === 0xf2 || byte === 0xf3) repeat = byte;
    else if (mode === 64 && (byte & 0xf0) === 0x40) {
      rex = byte & 15;
      hasRex = true;
      continue;
    } else if (byte !== 0xf0 && !SEGMENTS.has(byte)) break;
    // REX counts only directly before the opcode.
    rex = 0;
    hasRex = false;
  }
  if (at >= end) return undefined;
  const sizes = (bits: number) =>
    ({
      operandSize: bits & 8 ? 64 : operandPrefix ? 16 : 32,
      addressSize: mode === 64 ? (addressPrefix ? 32 : 64) : addressPrefix ? 16 : 32,
      operandPrefix,
      repeat,
      rex: bits,
      hasRex,
    }) as const;
  const vector = vectorPrefix(bytes, at, mode, end);
  if (vector === 'none') return undefined;
  if (vector !== undefined) {
    if (vector.next > end) return undefined;
    return { ...sizes(vector.rex), ...vector, vector: true };
  }
  const opcode = opcodeAt(bytes, at, end);
  return opcode === undefined ? undefined : { ...sizes(rex), ...opcode, vector: false };
}

function opcodeAt(bytes: Uint8Array, at: number, end: number) {
  const first = bytes[at] ?? 0;
  if (first !== 0x0f) return { map: 0, opcode: first, next: at + 1 } as const;
  const second = bytes[at + 1] ?? 0;
  const long = second === 0x38 || second === 0x3a;
  const next = at + (long ? 3 : 2);
  if (next > end) return undefined;
  if (!long) return { map: 1, opcode: second, next } as const;
  return { map: second === 0x38 ? 2 : 3, opcode: bytes[at + 2] ?? 0, next } as const;
}

type VectorOpcode = Pick<Prefixes, 'map' | 'opcode' | 'next' | 'rex'>;

/**
 * VEX (c4, c5), EVEX (62) and XOP (8f). In 32-bit code their first byte is another instruction (les, lds, bound),
 * unless the next byte's top two bits are set, which that instruction cannot have. 'none': a map that is not known.
 */
function vectorPrefix(
  bytes: Uint8Array,
  at: number,
  mode: 32 | 64,
  end: number,
): VectorOpcode | 'none' | undefined {
  const lead = bytes[at];
  const second = bytes[at + 1] ?? 0;
  const third = bytes[at + 2] ?? 0;
  if (lead === 0x8f) {
    // pop has zeros in the reg field of its ModRM, where XOP names a map from 8 up.
    if ((second & 0x1f) < 8 || at + 2 >= end) return undefined;
    const map = second & 0x1f;
    // XOP map 8 has an 8-bit immediate like map 3, map 9 none like map 2; map 10's 32-bit one is in no kernel.
    if (map > 9) return 'none';
    return { map: map === 8 ? 3 : 2, opcode: bytes[at + 3] ?? 0, next: at + 4, rex: inverted(second, third) };
  }
  if (lead !== 0xc4 && lead !== 0xc5 && lead !== 0x62) return undefined;
  if (mode === 32 && second < 0xc0) return undefined;
  if (lead === 0xc5) return { map: 1, opcode: third, next: at + 3, rex: second & 0x80 ? 0 : 4 };
  const map = lead === 0xc4 ? second & 0x1f : second & 7;
  if (map !== 1 && map !== 2 && map !== 3 && !(lead === 0x62 && (map === 5 || map === 6))) return 'none';
  const opcodeAt = at + (lead === 0xc4 ? 3 : 4);
  return { map, opcode: bytes[opcodeAt] ?? 0, next: opcodeAt + 1, rex: inverted(second, third) };
}

/** VEX, EVEX and XOP store R, X and B inverted, and W as it is. */
function inverted(second: number, third: number): number {
  return ((~second >> 5) & 7) | ((third & 0x80) >> 4);
}

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
