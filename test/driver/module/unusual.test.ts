import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { scanModule, verdictOfModuleScan } from '../../../src/driver/module/scan.ts';
import { readElf } from '../../../src/elf/elf.ts';
import { buildId, exportsOf, moduleVersions } from '../../../src/elf/module-data.ts';
import { isFailure } from '../../../src/errors.ts';
import { buildElf } from '../../elf/elf-builder.ts';
import { compile, routineSource } from './routine-fixture.ts';

const text = (content: Uint8Array) => ({ name: '.text', content });
const named = (name: string) => ({
  name: '.modinfo',
  content: Buffer.from(`name=${name}\0version=3.02.62\0`),
});

describe('modules that cannot be judged', () => {
  it('of another architecture', () => {
    const symbols = [{ name: 'mptscsih_io_done', section: 1, size: 64 }];
    const plan = {
      bits: 64,
      little: false,
      machine: 21,
      sections: [text(Buffer.alloc(64))],
      symbols,
    } as const;
    const scan = scanModule(buildElf(plan), 'mptscsih.ko');
    expect(scan).toMatchObject({ verdict: 'unknown', machine: 'ppc64', functionName: 'mptscsih_io_done' });
    expect(scan.detail).toMatch(/cannot judge code for ppc64/);
  });

  it('without symbols', () => {
    const plan = { bits: 64, little: true, sections: [text(Buffer.alloc(64)), named('mptscsih')] } as const;
    expect(scanModule(buildElf(plan), 'x').detail).toMatch(/no symbols of functions/);
    expect(scanModule(buildElf(plan), 'x').verdict).toBe('unknown');
  });

  it("RHEL 4's empty mptscsih.ko, which says where to look", () => {
    const symbols = [{ name: 'init_module', section: 1, size: 16 }];
    const plan = {
      bits: 32,
      little: true,
      machine: 3,
      sections: [text(Buffer.alloc(16)), named('mptscsih')],
      symbols,
    } as const;
    const scan = scanModule(buildElf(plan), 'mptscsih.ko');
    expect(scan).toMatchObject({ verdict: 'unknown', version: '3.02.62' });
    expect(scan.detail).toMatch(/mptscsi\.ko/);
  });

  it('a function of the name that gives none of the known results', () => {
    const symbols = [{ name: 'mptscsih_io_done', section: 1, size: 16 }];
    const plan = { bits: 64, little: true, sections: [text(Buffer.alloc(16, 0x90))], symbols } as const;
    expect(scanModule(buildElf(plan), 'mptscsih.ko').detail).toMatch(/does not give the results/);
  });

  it('a routine of impossible size', () => {
    const symbols = [{ name: 'mptscsih_io_done', section: 1, size: 1 << 20 }];
    const plan = { bits: 64, little: true, sections: [text(Buffer.alloc(1 << 20, 0x90))], symbols } as const;
    expect(scanModule(buildElf(plan), 'mptscsih.ko').detail).toMatch(/impossible size/);
  });
});

describe('modules of other drivers', () => {
  it('are told from the driver, by their own name or their file', () => {
    const sections = [text(Buffer.alloc(16))];
    const other = scanModule(
      buildElf({ bits: 64, little: true, sections: [...sections, named('e1000')] }),
      'mptscsih.ko',
    );
    expect(other.verdict).toBe('not-this-driver');
    expect(verdictOfModuleScan(other).verdict).toBe('unknown');
    const unnamed = scanModule(
      buildElf({ bits: 64, little: true, sections }),
      '/lib/modules/2.4.21/aic7xxx-old.o.gz',
    );
    expect(unnamed).toMatchObject({ verdict: 'not-this-driver', name: 'aic7xxx_old' });
  });

  it('that use its routine point to it', () => {
    const symbols = [{ name: 'mptscsih_io_done', info: 0x10 }];
    const plan = {
      bits: 64,
      little: true,
      sections: [text(Buffer.alloc(16)), named('mptspi')],
      symbols,
    } as const;
    const scan = scanModule(buildElf(plan), 'mptspi.ko');
    expect(scan.verdict).toBe('not-this-driver');
    expect(scan.detail).toMatch(/judge mptscsih\.ko/);
  });
});

describe('damaged files', () => {
  const originals: Buffer[] = [];

  beforeAll(async () => {
    const source = `${routineSource({ busyHostByte: 2, nexusHostByte: 2 })}
      const char info[] __attribute__((section(".modinfo"))) = "name=mptscsih\\0version=3.04.20";
      struct { unsigned long crc; char name[64 - sizeof(long)]; } versions[2]
        __attribute__((section("__versions"))) = { { 1, "printk" }, { 2, "scsi_done" } };`;
    originals.push(await compile(source, ['-m64', '-O2', '-g']));
    originals.push(await compile(source, ['-m32', '-O2']));
  });

  /** Everything that reads a module; only a typed refusal may come out of it. */
  function readAll(bytes: Uint8Array): string {
    return refused(() => {
      const elf = readElf(bytes);
      return [
        scanModule(elf, 'mptscsih.ko').verdict,
        moduleVersions(elf).size,
        exportsOf(elf).length,
        buildId(elf),
      ].join();
    });
  }

  function refused(act: () => string): string {
    try {
      return act();
    } catch (error) {
      if (!isFailure(error)) throw error;
      expect(error.failure.code).toBe('E_CANNOT_DECIDE');
      return 'refused';
    }
  }

  it('are whole to begin with', () => {
    expect(originals.map(readAll)).toEqual(['affected,2,0,', 'affected,2,0,']);
  });

  it('cut anywhere are refused', () => {
    const cut = fc.record({ file: fc.nat(1), at: fc.double({ min: 0, max: 0.999, noNaN: true }) });
    fc.assert(
      fc.property(cut, ({ file, at }) => {
        const original = originals[file] ?? Buffer.alloc(0);
        expect(readAll(original.subarray(0, Math.floor(original.length * at)))).toBe('refused');
      }),
      { numRuns: 300 },
    );
  });

  it('with any bytes changed give an answer or a refusal', () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      value: fc.nat(255),
    });
    const changes = fc.record({ file: fc.nat(1), list: fc.array(change, { minLength: 1, maxLength: 12 }) });
    fc.assert(
      fc.property(changes, ({ file, list }) => {
        const bytes = Buffer.from(originals[file] ?? Buffer.alloc(0));
        for (const { at, value } of list) bytes[Math.floor(bytes.length * at)] = value;
        expect(readAll(bytes)).toMatch(/^(refused|(affected|branch-absent|unknown|not-this-driver),)/);
      }),
      { numRuns: 1500 },
    );
  });

  it('with bytes of the section table changed give an answer or a refusal', () => {
    const change = fc.record({ back: fc.nat(1500), value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff) });
    const changes = fc.record({ file: fc.nat(1), list: fc.array(change, { minLength: 1, maxLength: 4 }) });
    fc.assert(
      fc.property(changes, ({ file, list }) => {
        const bytes = Buffer.from(originals[file] ?? Buffer.alloc(0));
        for (const { back, value } of list) bytes[Math.max(0, bytes.length - 1 - back)] = value;
        expect(readAll(bytes)).toMatch(/^(refused|(affected|branch-absent|unknown|not-this-driver),)/);
      }),
      { numRuns: 1500 },
    );
  });

  it('that are random bytes behind an ELF start are refused', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(1, 2),
        fc.constantFrom(1, 2),
        (rest, bits, order) => {
          const start = [0x7f, 0x45, 0x4c, 0x46, bits, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
          expect(readAll(Buffer.from([...start, ...rest]))).toMatch(/^(refused|not-this-driver,)/);
          expect(readAll(rest)).toBe('refused');
        },
      ),
      { numRuns: 500 },
    );
  });

  it('with code made to exhaust the search end in unknown', () => {
    // Fifty thousand times mov $0x20000,%edx: more constants to follow than the search allows.
    const moves = Buffer.alloc(250_000, Buffer.from('ba00000200', 'hex'));
    const symbols = [{ name: 'mptscsih_io_done', section: 1, size: moves.length }];
    const plan = { bits: 64, little: true, sections: [text(moves)], symbols } as const;
    expect(readAll(buildElf(plan))).toMatch(/^unknown,/);
  });
});
