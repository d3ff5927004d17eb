import { type Prefixes, readPrefixes, shapeOf } from './opcode.ts';

/** One decoded x86 instruction: its length and the places of its operands. Register numbers are 0 to 15. */
export interface Instruction extends Pick<Prefixes, 'map' | 'opcode' | 'operandSize' | 'vector'> {
  /** Bytes from the start of what was decoded. */
  readonly offset: number;
  readonly length: number;
  /** True for a REX prefix of any kind, which turns ah, ch, dh, bh into spl, bpl, sil, dil. */
  readonly rex: boolean;
  /** The register that the opcode's low three bits name, in the forms that have one (push, pop, mov, xchg, bswap). */
  readonly opcodeRegister: number;
  readonly modrm: ModRm | undefined;
  readonly displacement: Field | undefined;
  /** Immediate, branch distance or address, sign-extended. For two (enter, far pointer) the first. */
  readonly immediate: Field | undefined;
  /** The target of a direct branch (call, jmp, jcc, loop), counted like `offset`. */
  readonly target: number | undefined;
}

export interface ModRm {
  /** 3: the operand is the register `rm`. */
  readonly mod: number;
  readonly reg: number;
  readonly rm: number;
  /** The registers of a memory operand. */
  readonly base: number | undefined;
  readonly index: number | undefined;
  readonly scale: number;
  readonly ripRelative: boolean;
}

export interface Field {
  readonly offset: number;
  /** Bytes: 1, 2, 4 or 8. */
  readonly size: number;
  /** Exact up to 2^53; larger 64-bit immediates lose their low bits. */
  readonly value: number;
}

const MAX_LENGTH = 15;

/**
 * Decodes the instruction at `offset`. Undefined where the bytes are no instruction, or where it would not end by
 * `end`. It is a decoder for compiled kernel code, not a validator: some encodings that a processor refuses pass.
 */
export function decode(
  bytes: Uint8Array,
  offset: number,
  mode: 32 | 64,
  end: number = bytes.length,
): Instruction | undefined {
  const prefixes = readPrefixes(bytes, offset, mode, Math.min(end, offset + MAX_LENGTH));
  if (prefixes === undefined) return undefined;
  const { map, opcode, operandSize } = prefixes;
  const shape =
    prefixes.vector && map === 1 && opcode !== 0x77 ? vectorShape(opcode) : shapeOf(map, opcode, mode);
  if (shape === 'x' || shape === 'p') return undefined;
  let at = prefixes.next;
  let modrm: ModRm | undefined;
  let displacement: Field | undefined;
  if ('mBZgGc'.includes(shape)) {
    const operand = readModRm(bytes, prefixes, mode, shape === 'c');
    if (operand.next > end) return undefined;
    ({ modrm, displacement, next: at } = operand);
  }
  const [first, second] = immediateSizes(shape, prefixes, mode, modrm);
  const total = at + first + second;
  if (total > end || total - offset > MAX_LENGTH) return undefined;
  const immediate = first === 0 ? undefined : field(bytes, at, first);
  const branches = shape === 'r' || shape === 'R' || (map === 0 && (opcode & 0xfc) === 0xe0);
  return {
    offset,
    length: total - offset,
    map,
    opcode,
    operandSize,
    rex: prefixes.hasRex,
    vector: prefixes.vector,
    opcodeRegister: (opcode & 7) | ((prefixes.rex & 1) << 3),
    modrm,
    displacement,
    immediate,
    target: branches && immediate !== undefined ? total + immediate.value : undefined,
  };
}

/** In the VEX form of the second map everything has ModRM; compares, shuffles and shifts by constants an 8-bit one. */
function vectorShape(opcode: number): string {
  return (opcode >= 0x70 && opcode <= 0x73) || [0xc2, 0xc4, 0xc5, 0xc6].includes(opcode) ? 'B' : 'm';
}

const byOperand = ({ operandSize }: Prefixes): number => (operandSize === 16 ? 2 : 4);

/** Bytes of the immediate by shape; `reg` is ModRM's field. A shape that is not listed has none. */
const IMMEDIATES: Readonly<
  Record<string, number | ((prefixes: Prefixes, mode: 32 | 64, reg: number) => number)>
> = {
  b: 1,
  B: 1,
  r: 1,
  w: 2,
  e: 2,
  z: byOperand,
  Z: byOperand,
  f: byOperand,
  v: ({ operandSize }) => operandSize / 8,
  o: ({ addressSize }) => addressSize / 8,
  R: (prefixes, mode) => (mode === 64 ? 4 : byOperand(prefixes)),
  g: (_prefixes, _mode, reg) => (reg % 8 < 2 ? 1 : 0),
  G: (prefixes, _mode, reg) => (reg % 8 < 2 ? byOperand(prefixes) : 0),
};

/** Bytes of the immediate, and of the other one that a few instructions have behind it. */
function immediateSizes(
  shape: string,
  prefixes: Prefixes,
  mode: 32 | 64,
  modrm: ModRm | undefined,
): readonly [first: number, second: number] {
  const { map, opcode, operandPrefix, repeat } = prefixes;
  // SSE4a's extrq and insertq share 0f 78 with vmread and alone have two immediates.
  if (map === 1 && opcode === 0x78 && (operandPrefix || repeat === 0xf2)) return [1, 1];
  const size = IMMEDIATES[shape] ?? 0;
  const first = typeof size === 'number' ? size : size(prefixes, mode, modrm?.reg ?? 0);
  return [first, shape === 'e' ? 1 : shape === 'f' ? 2 : 0];
}

interface Operand {
  readonly modrm: ModRm;
  readonly displacement: Field | undefined;
  readonly next: number;
}

/**
 * ModRM, SIB and displacement: Intel SDM, volume 2, tables 2-1 to 2-3. Bytes past the end read as zero.
 * @param registerOnly the byte names a register, whatever its two top bits say
 */
function readModRm(
  bytes: Uint8Array,
  { next: start, addressSize, rex }: Prefixes,
  mode: 32 | 64,
  registerOnly: boolean,
): Operand {
  const byte = bytes[start] ?? 0;
  const mod = registerOnly ? 3 : byte >> 6;
  const reg = ((byte >> 3) & 7) | ((rex & 4) << 1);
  const low = byte & 7;
  const plain = { mod, reg, rm: low | ((rex & 1) << 3), base: undefined, index: undefined, scale: 1 };
  if (mod === 3) return { modrm: { ...plain, ripRelative: false }, displacement: undefined, next: start + 1 };
  if (addressSize === 16) {
    const size = mod === 1 ? 1 : mod === 2 || low === 6 ? 2 : 0;
    return withDisplacement(bytes, start + 1, size, { ...plain, ripRelative: false });
  }
  const hasSib = low === 4;
  const sib = bytes[start + 1] ?? 0;
  const baseLow = hasSib ? sib & 7 : low;
  const noBase = mod === 0 && baseLow === 5;
  const indexNumber = ((sib >> 3) & 7) | ((rex & 2) << 2);
  const modrm = {
    ...plain,
    base: noBase ? undefined : baseLow | ((rex & 1) << 3),
    index: hasSib && indexNumber !== 4 ? indexNumber : undefined,
    scale: hasSib ? 1 << (sib >> 6) : 1,
    ripRelative: noBase && !hasSib && mode === 64,
  };
  const size = mod === 1 ? 1 : mod === 2 || noBase ? 4 : 0;
  return withDisplacement(bytes, start + (hasSib ? 2 : 1), size, modrm);
}

function withDisplacement(bytes: Uint8Array, at: number, size: number, modrm: ModRm): Operand {
  return { modrm, displacement: size === 0 ? undefined : field(bytes, at, size), next: at + size };
}

function field(bytes: Uint8Array, offset: number, size: number): Field {
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[offset + index] ?? 0);
  return { offset, size, value: Number(BigInt.asIntN(size * 8, value)) };
}
