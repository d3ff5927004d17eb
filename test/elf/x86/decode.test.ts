import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readElf } from '../../../src/elf/elf.ts';
import { bytesOfSection } from '../../../src/elf/sections.ts';
import { decode } from '../../../src/elf/x86/decode.ts';
import { compile, routineSource } from '../../driver/module/routine-fixture.ts';

/** Code with what the routine lacks: floating point, vectors, wide arithmetic, atomics, string moves, a switch. */
const MIXED = `
typedef unsigned long long u64;
double a[64], b[64]; float c[64]; int n[64]; short s[64]; signed char t[64];
double dot(void) { double r = 0; for (int i = 0; i < 64; i++) r += a[i] * b[i]; return r; }
void narrow(void) { for (int i = 0; i < 64; i++) { c[i] = a[i]; n[i] = c[i]; s[i] = n[i] >> 3; t[i] = s[i]; } }
u64 wide(u64 x, u64 y, int k) { return (x * y / (k | 1)) << k ^ (x >> (63 - k)) ^ (x % (y | 1)); }
int pick(int x) {
  switch (x) { case 0: return 5; case 1: return n[1]; case 2: return 77; case 3: return t[2];
  case 4: return s[1] * x; case 5: return x / 7; case 6: return n[3] + 0x12345678; default: return 0; }
}
struct big { char space[1000]; } g, h;
void copy(void) { g = h; }
int atoms(int *p, int v) {
  __sync_fetch_and_add(p, v);
  return __sync_bool_compare_and_swap(p, v, 1) + __builtin_bswap32(v);
}
`;

/** Where objdump sees each instruction of .text begin. */
function objdumpOffsets(file: Buffer): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-objdump-'));
  try {
    const path = join(folder, 'code.o');
    writeFileSync(path, file);
    const text = execFileSync('objdump', ['-d', '-z', '-w', '-j', '.text', path], { encoding: 'utf8' });
    return [...text.matchAll(/^ +([0-9a-f]+):\t/gm)].map((match) => Number.parseInt(match[1] ?? '', 16));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ownOffsets(code: Uint8Array, mode: 32 | 64): number[] {
  const offsets: number[] = [];
  for (let at = 0; at < code.length; ) {
    offsets.push(at);
    at += decode(code, at, mode)?.length ?? code.length;
  }
  return offsets;
}

describe('instruction boundaries are those of objdump', () => {
  const flags = [
    ['-m64', '-O0'],
    ['-m64', '-O2', '-fcf-protection=branch'],
    ['-m64', '-O3', '-march=haswell'],
    ['-m64', '-O3', '-march=skylake-avx512', '-mprefer-vector-width=512'],
    ['-m32', '-O0'],
    ['-m32', '-Os', '-march=i386'],
    ['-m32', '-O3', '-march=haswell'],
  ];
  it.each(flags)('%s %s %s', async (...given) => {
    const file = await compile(
      MIXED + routineSource({ busyHostByte: 2, nexusHostByte: 2 }),
      given.filter(Boolean),
    );
    const code = bytesOfSection(readElf(file), '.text') ?? Buffer.alloc(0);
    const own = ownOffsets(code, given[0] === '-m64' ? 64 : 32);
    expect(own.length).toBeGreaterThan(300);
    expect(own).toEqual(objdumpOffsets(file));
  });
});

describe('single instructions', () => {
  it.each([
    [
      '41c785200100000800 0200',
      64,
      { length: 11, opcode: 0xc7, value: 0x20008, base: 13, displacement: 0x120 },
    ],
    ['c7820001000008000200', 64, { length: 10, opcode: 0xc7, value: 0x20008, base: 2, displacement: 0x100 }],
    ['0d00000200', 32, { length: 5, opcode: 0x0d, value: 0x20000 }],
    ['49b8efcdab8967452301', 64, { length: 10, opcode: 0xb8 }],
    ['66b80102', 32, { length: 4, opcode: 0xb8, value: 0x201 }],
    ['f6c101', 64, { length: 3, opcode: 0xf6, value: 1 }],
    ['f6d9', 64, { length: 2, opcode: 0xf6 }],
    ['f30f1efa', 64, { length: 4, opcode: 0x1e }],
    ['2e0fae24c500000000', 32, { length: 9, opcode: 0xae, displacement: 0 }],
    ['668b4712', 32, { length: 4, opcode: 0x8b, displacement: 0x12 }],
    ['678b471290', 32, { length: 4, opcode: 0x8b, displacement: 0x12 }],
    ['8d8000000200', 32, { length: 6, opcode: 0x8d, base: 0, displacement: 0x20000 }],
  ] as const)('%s in %i-bit code', (hex, mode, wanted) => {
    const found = decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 0, mode);
    const { value, base, displacement, ...plain } = {
      value: undefined,
      base: undefined,
      displacement: undefined,
      ...wanted,
    };
    expect(found).toMatchObject(plain);
    if (value !== undefined) expect(found?.immediate?.value).toBe(value);
    if (base !== undefined) expect(found?.modrm?.base).toBe(base);
    if (displacement !== undefined) expect(found?.displacement?.value).toBe(displacement);
  });

  it('a branch knows its target', () => {
    expect(decode(Buffer.from('9090ebfc', 'hex'), 2, 64)?.target).toBe(0);
    expect(decode(Buffer.from('0f8400010000', 'hex'), 0, 32)?.target).toBe(0x106);
  });

  it.each(['06', '0f04', 'c78200010000', '', '66', '666666666666666666666666666666666690'])(
    '%j is none',
    (hex) => {
      expect(decode(Buffer.from(hex, 'hex'), 0, 64)).toBeUndefined();
    },
  );

  it('whatever the bytes, an instruction lies within them and within 15 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), fc.constantFrom(32, 64), (bytes, mode) => {
        const found = decode(bytes, 0, mode === 32 ? 32 : 64);
        const length = found?.length ?? 1;
        expect(length).toBeGreaterThan(0);
        expect(length).toBeLessThanOrEqual(Math.min(15, bytes.length));
      }),
      { numRuns: 3000 },
    );
  });
});
