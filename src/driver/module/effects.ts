import type { Located } from '../../elf/x86/sweep.ts';

/** A set of general registers, one bit each. */
export type Registers = number;

/** Registers that a called function may change: SysV ABI of x86-64; of i386 eax, ecx and edx. */
const CALL_64 = bits([0, 1, 2, 6, 7, 8, 9, 10, 11]);
const CALL_32 = bits([0, 1, 2]);

function bits(registers: readonly number[]): Registers {
  return registers.reduce((mask, register) => mask | (1 << register), 0);
}

/** The register whose low byte an 8-bit operand is; undefined for ah, ch, dh and bh. */
function lowByteRegister(number: number, instruction: Located): number | undefined {
  return number >= 4 && number < 8 && !instruction.rex ? undefined : number;
}

/** Opcodes by the operand of ModRM that they overwrite; those that overwrite both are in both sets. */
interface Writers {
  /** Those that overwrite the same registers whatever their operands are. */
  readonly fixed: ReadonlyMap<number, Registers>;
  readonly reg: ReadonlySet<number>;
  readonly rm: ReadonlySet<number>;
}

const FIRST_MAP: Writers = {
  fixed: new Map([[0x99, 4], [0xa0, 1], [0xa1, 1]]), // biome-ignore format: a table
  reg: new Set([0x63, 0x69, 0x6b, 0x86, 0x87, 0x8a, 0x8b, 0x8d]),
  rm: new Set([0x86, 0x87, 0x88, 0x89, 0x8c, 0x8f, 0xc0, 0xc1, 0xc6, 0xc7, 0xd0, 0xd1, 0xd2, 0xd3, 0xfe]),
};
const SECOND_MAP: Writers = {
  fixed: new Map([[0x31, 5], [0x32, 5], [0xc7, 5], [0xa2, 15]]), // biome-ignore format: a table
  reg: new Set([0xaf, 0xb6, 0xb7, 0xb8, 0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1]),
  rm: new Set([0x20, 0x21, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xb3, 0xbb, 0xc0, 0xc1]),
};

/** The registers that an instruction names. */
interface Operands {
  /** Those of ModRM's two fields and of the opcode itself. */
  readonly reg: Registers;
  readonly rm: Registers;
  readonly own: Registers;
  /** ModRM's reg field, where it selects the operation. */
  readonly group: number;
}

function written(by: Writers, opcode: number, { reg, rm }: Operands): Registers {
  return by.fixed.get(opcode) ?? (by.reg.has(opcode) ? reg : 0) | (by.rm.has(opcode) ? rm : 0);
}

/**
 * The registers that an instruction overwrites, so that their old value is gone. `moveOf` judges what only moves or
 * combines values; instructions that no compiler uses for the kernel's own arithmetic are left out.
 */
export function clobbers(instruction: Located, mode: 32 | 64): Registers {
  const { map, opcode, modrm, opcodeRegister } = instruction;
  if (instruction.vector) return 0;
  const own = 1 << opcodeRegister;
  const reg = modrm === undefined ? 0 : 1 << modrm.reg;
  const rm = modrm === undefined || modrm.mod !== 3 ? 0 : 1 << modrm.rm;
  const group = (modrm?.reg ?? 0) & 7;
  const operands = { reg, rm, own, group };
  if (map === 1) return clobbersOfSecondMap(opcode, operands);
  if (map !== 0) return map === 2 && (opcode & 0xfe) === 0xf0 ? reg : 0;
  const call = mode === 64 ? CALL_64 : CALL_32;
  if (opcode < 0x40) return opcode >= 0x38 ? 0 : ([rm, rm, reg, reg, 1, 1][opcode & 7] ?? 0);
  if (opcode < 0x50 || (opcode >= 0x58 && opcode < 0x60)) return own;
  if (opcode >= 0x91 && opcode <= 0x97) return own | 1;
  if (opcode >= 0xb0 && opcode <= 0xbf) return own;
  switch (opcode) {
    case 0x80:
    case 0x81:
    case 0x83:
      return group === 7 ? 0 : rm;
    case 0x98:
      return instruction.operandSize === 64 ? 0 : 1;
    case 0xe8:
      return call;
    case 0xf6:
    case 0xf7:
      return group < 2 ? 0 : group < 4 ? rm : 5;
    case 0xff:
      return group < 2 ? rm : group < 4 ? call : 0;
    default:
      if (opcode >= 0xa4 && opcode <= 0xaf && opcode !== 0xa8 && opcode !== 0xa9) return bits([1, 6, 7]);
      return written(FIRST_MAP, opcode, operands);
  }
}

function clobbersOfSecondMap(opcode: number, operands: Operands): Registers {
  const { reg, rm, own, group } = operands;
  if (opcode >= 0x40 && opcode < 0x50) return reg;
  if (opcode >= 0x90 && opcode < 0xa0) return rm;
  if (opcode >= 0xc8 && opcode < 0xd0) return own;
  if (opcode === 0xba) return group === 4 ? 0 : rm;
  if (opcode === 0xb0 || opcode === 0xb1) return rm | 1;
  return written(SECOND_MAP, opcode, operands);
}

/** What one instruction does to the registers that hold a traced value. */
export interface Move {
  /** The registers that hold it afterwards. */
  readonly held: Registers;
  readonly event?: 'joined' | 'stored' | 'lost';
  /** For a join: the register that has the sum. */
  readonly into?: number | undefined;
  /** For a join: only the low byte was written, which is also how the register is used for something else. */
  readonly byteOnly?: boolean;
}

/** SCSI status BUSY (SAM-2, table 22): what the branch joins with the host byte. */
export const BUSY = 8;

interface Context {
  readonly instruction: Located;
  readonly held: Registers;
  /** What is still held after the instruction has overwritten its destination. */
  readonly gone: Registers;
  readonly has: (register: number | undefined) => boolean;
}

/** @param gone `held` without the registers that the instruction overwrites. */
export function moveOf(instruction: Located, held: Registers, gone: Registers): Move {
  const has = (register: number | undefined) => register !== undefined && ((held >> register) & 1) === 1;
  const context = { instruction, held, gone, has };
  const { map, opcode, modrm } = instruction;
  if (instruction.vector) return { held };
  if (map === 0) return moveOfFirstMap(context);
  // cmov: the destination may keep its value or take the other.
  if (map !== 1 || (opcode & 0xf0) !== 0x40) return { held: gone };
  return { held: modrm?.mod === 3 && has(modrm.rm) ? held | (1 << modrm.reg) : held };
}

function moveOfFirstMap(context: Context): Move {
  const { instruction, held, gone, has } = context;
  const { opcode, modrm, opcodeRegister } = instruction;
  const target = modrm?.mod === 3 ? modrm.rm : undefined;
  const source = modrm?.reg ?? 0;
  if (opcode < 0x40 && (opcode & 7) < 6) return arithmetic(context);
  if (opcode >= 0xb0 && opcode <= 0xb7) return byteConstant(context, opcodeRegister);
  if (opcode >= 0x91 && opcode <= 0x97) {
    return has(0) || has(opcodeRegister) ? { held: gone, event: 'lost' } : { held: gone };
  }
  switch (opcode) {
    case 0x89:
      if (!has(source)) return { held: gone };
      return target === undefined ? { held, event: 'stored' } : { held: held | (1 << target) };
    case 0xa3:
      return has(0) ? { held, event: 'stored' } : { held };
    case 0x8b:
    case 0x63:
      return { held: has(target) ? held | (1 << source) : gone };
    case 0x8d:
      return address(context);
    case 0x88:
      return insertByte(context, target);
    case 0x8a:
      return insertByte(context, source);
    case 0xc6:
      return byteConstant(context, target);
    case 0x80:
    case 0x81:
    case 0x83:
      return withConstant(context, source & 7, target);
    case 0x86:
    case 0x87:
      return has(target) || has(source) ? { held: gone, event: 'lost' } : { held: gone };
    default:
      return { held: gone };
  }
}

/** Kinds of arithmetic by opcode: add 0, or 1, adc 2, sbb 3, and 4, sub 5, xor 6, cmp 7. */
function joins(kind: number): boolean {
  return kind === 0 || kind === 1 || kind === 6;
}

function arithmetic(context: Context): Move {
  const { instruction, held, gone, has } = context;
  const kind = instruction.opcode >> 3;
  const form = instruction.opcode & 7;
  if (kind === 7) return { held };
  if (form >= 4) return withConstant(context, kind, 0);
  const { modrm } = instruction;
  const place = modrm?.mod === 3 ? modrm.rm : undefined;
  const [into, from] = form < 2 ? [place, modrm?.reg] : [modrm?.reg, place];
  if (form === 0 || form === 2) return joins(kind) ? insertByte(context, into) : { held };
  if (!has(into) && !has(from)) return { held };
  if (into !== undefined && into === from) {
    // or and and with itself only set flags; the others produce a new value.
    return { held: kind === 1 || kind === 4 ? held : gone };
  }
  if (kind === 4) return { held: into === undefined ? held : held | (1 << into) };
  return joins(kind) ? { held: gone, event: 'joined', into } : { held: gone, event: 'lost' };
}

/** The host byte joined with the constant BUSY is the branch; with another constant it is another result. */
function withConstant(
  { instruction, held, gone, has }: Context,
  kind: number,
  into: number | undefined,
): Move {
  if (!has(into) || kind === 7) return { held };
  return joins(kind) && instruction.immediate?.value === BUSY
    ? { held: gone, event: 'joined', into }
    : { held: gone };
}

function byteConstant({ instruction, held, gone, has }: Context, register: number | undefined): Move {
  const into = register === undefined ? undefined : lowByteRegister(register, instruction);
  if (!has(into)) return { held };
  return instruction.immediate?.value === BUSY ? { held: gone, event: 'joined', into } : { held: gone };
}

/** A host byte's own low byte is zero: the status may be written or joined into it alone. */
function insertByte({ instruction, held, gone, has }: Context, register: number | undefined): Move {
  const into = register === undefined ? undefined : lowByteRegister(register, instruction);
  return has(into) ? { held: gone, event: 'joined', into, byteOnly: true } : { held };
}

function address({ instruction, gone, has }: Context): Move {
  const { modrm, displacement } = instruction;
  const base = modrm?.base;
  const index = modrm?.index;
  const into = modrm?.reg ?? 0;
  if (!has(base) && !(has(index) && modrm?.scale === 1)) return { held: gone };
  if (base !== undefined && index !== undefined) return { held: gone, event: 'joined', into };
  const distance = displacement?.value ?? 0;
  if (distance === 0) return { held: gone | (1 << into) };
  return distance === BUSY ? { held: gone, event: 'joined', into } : { held: gone };
}
