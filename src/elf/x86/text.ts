import type { Field, ModRm } from './decode.ts';
import type { Located } from './sweep.ts';

const LONG = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'] as const;
const GROUP = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'] as const;
const SUFFIX = { 16: 'w', 32: 'l', 64: 'q' } as const;

/**
 * An instruction for a person, in the AT&T syntax of objdump. It covers the forms in which constants are moved and
 * combined; any other comes back as `opcode XX`.
 */
export function instructionText(instruction: Located, mode: 32 | 64): string {
  const { opcode, map, modrm } = instruction;
  const size = instruction.operandSize;
  const register = (number: number) => `%${registerName(number, size)}`;
  const suffix = modrm !== undefined && modrm.mod !== 3 ? SUFFIX[size] : '';
  const place = modrm === undefined ? '' : operand(instruction, modrm, mode, register);
  const reg = register(modrm?.reg ?? 0);
  const operation = GROUP[(modrm?.reg ?? 0) & 7];
  const constant = `$${hex(instruction.immediate, instruction.immediateRelocation?.name, size)}`;
  if (map === 1 && opcode === 0xba) return `bts ${constant},${place}`;
  if (map !== 0) return `opcode 0f ${opcode.toString(16)}`;
  if (opcode === 0xc7) return `mov${suffix} ${constant},${place}`;
  if (opcode >= 0xb8 && opcode <= 0xbf) return `mov ${constant},${register(instruction.opcodeRegister)}`;
  if (opcode === 0x81 || opcode === 0x83) return `${operation}${suffix} ${constant},${place}`;
  if (opcode === 0x80) return `${operation}b ${constant},${place}`;
  if (opcode < 0x40 && (opcode & 7) === 5) return `${GROUP[opcode >> 3]} ${constant},${register(0)}`;
  if (opcode < 0x40 && (opcode & 7) === 1) return `${GROUP[opcode >> 3]} ${reg},${place}`;
  if (opcode < 0x40 && (opcode & 7) === 3) return `${GROUP[opcode >> 3]} ${place},${reg}`;
  if (opcode === 0x8d) return `lea ${place},${reg}`;
  if (opcode === 0x89) return `mov ${reg},${place}`;
  if (opcode === 0xc1) return `shl${suffix} ${constant},${place}`;
  return `opcode ${opcode.toString(16).padStart(2, '0')}`;
}

function operand(
  instruction: Located,
  modrm: ModRm,
  mode: 32 | 64,
  register: (number: number) => string,
): string {
  if (modrm.mod === 3) return register(modrm.rm);
  const address = (number: number) => `%${registerName(number, mode)}`;
  const symbol = instruction.displacementRelocation?.name;
  const distance = instruction.displacement === undefined ? '' : hex(instruction.displacement, symbol, mode);
  const base = modrm.ripRelative ? '%rip' : modrm.base === undefined ? '' : address(modrm.base);
  if (modrm.index === undefined) return base === '' ? distance : `${distance}(${base})`;
  return `${distance}(${base},${address(modrm.index)},${modrm.scale})`;
}

function registerName(number: number, size: 16 | 32 | 64): string {
  if (number >= 8) return `r${number}${size === 32 ? 'd' : size === 16 ? 'w' : ''}`;
  return `${size === 64 ? 'r' : size === 32 ? 'e' : ''}${LONG[number]}`;
}

function hex(field: Field | undefined, symbol: string | undefined, bits: 16 | 32 | 64): string {
  if (symbol !== undefined) return symbol;
  const value = field?.value ?? 0;
  if (value < 0 && bits === 32 && field?.size === 4) return `0x${(value >>> 0).toString(16)}`;
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
