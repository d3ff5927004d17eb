import { describe, expect, it } from 'vitest';
import { type ElfFile, readElf } from '../../src/elf/elf.ts';
import {
  buildId,
  exportsOf,
  modinfo,
  modinfoField,
  moduleName,
  moduleVersions,
} from '../../src/elf/module-data.ts';
import { bytesOfSection } from '../../src/elf/sections.ts';
import { appendedSignature, moduleSignature } from '../../src/elf/signature.ts';
import { texts } from '../../src/elf/view.ts';
import { type BuiltSection, type BuiltSymbol, buildElf, out } from './elf-builder.ts';

function file(
  sections: readonly BuiltSection[],
  symbols: readonly BuiltSymbol[] = [],
  shape: { bits: 32 | 64; little: boolean } = { bits: 64, little: true },
): ElfFile {
  return readElf(buildElf({ ...shape, sections, symbols }));
}

describe('modinfo', () => {
  const text = 'version=3.04.20\0\0alias=a=b\0alias=c\0vermagic=6.1.0 SMP \0=odd\0odd\0name=mptscsih\0';
  const elf = file([{ name: '.modinfo', content: Buffer.from(text) }]);

  it('keeps every value of a field in order, with padding and broken entries left out', () => {
    expect([...modinfo(elf)]).toEqual([
      ['version', ['3.04.20']],
      ['alias', ['a=b', 'c']],
      ['vermagic', ['6.1.0 SMP ']],
      ['name', ['mptscsih']],
    ]);
    expect(modinfoField(modinfo(elf), 'alias')).toBe('a=b');
    expect(modinfoField(modinfo(elf), 'srcversion')).toBeUndefined();
  });

  it('takes the name from .modinfo, or from struct module on older kernels', () => {
    const struct = (start: number) => Buffer.concat([Buffer.alloc(start), Buffer.from('mptscsi\0rest')]);
    const older = (bits: 32 | 64, start: number) =>
      file([{ name: '.gnu.linkonce.this_module', content: struct(start) }], [], { bits, little: true });
    expect(moduleName(elf)).toBe('mptscsih');
    expect(moduleName(older(64, 24))).toBe('mptscsi');
    expect(moduleName(older(32, 12))).toBe('mptscsi');
    expect(moduleName(older(64, 12))).toBeUndefined();
    expect(moduleName(file([]))).toBeUndefined();
  });
});

describe('moduleVersions', () => {
  const record = (little: boolean, size: number, crc: number, name: string) => {
    const name64 = Buffer.alloc(64 - size);
    name64.write(name);
    return out(little).number(crc, size).bytes(name64).done();
  };

  it.each([
    [32, true],
    [32, false],
    [64, true],
    [64, false],
  ] as const)('reads records of %i bits, little-endian: %s', (bits, little) => {
    const content = Buffer.concat([
      record(little, bits / 8, 0xfedcba98, 'printk'),
      record(little, bits / 8, 7, 'scsi_add_host'),
    ]);
    const elf = file([{ name: '__versions', content }], [], { bits, little });
    expect([...moduleVersions(elf)]).toEqual([
      ['printk', 0xfedcba98],
      ['scsi_add_host', 7],
    ]);
  });

  it('prefers the extended tables, and 2.4 suffixes come last', () => {
    const crcs = out(true).number(1, 4).number(0xffffffff, 4).done();
    const extended = [
      { name: '__version_ext_crcs', content: crcs },
      { name: '__version_ext_names', content: Buffer.from('one\0two\0') },
    ];
    expect([...moduleVersions(file(extended))]).toEqual([
      ['one', 1],
      ['two', 0xffffffff],
    ]);
    const undefinedSymbol = (name: string) => ({ name, info: 0x10 });
    const names = ['printk_R1b7d4074', 'kmalloc_Rsmp_93d4cfe6', 'no_RX', 'plain'].map(undefinedSymbol);
    expect([...moduleVersions(file([], names))]).toEqual([
      ['printk', 0x1b7d4074],
      ['kmalloc', 0x93d4cfe6],
    ]);
  });

  it('refuses a table of broken records', () => {
    const elf = file([{ name: '__versions', content: Buffer.alloc(65) }]);
    expect(() => moduleVersions(elf)).toThrow(/whole records/);
  });
});

describe('exportsOf', () => {
  it('joins names with their CRCs, absolute or in a section, and tells GPL ones', () => {
    const sections = [
      { name: '__ksymtab', content: Buffer.alloc(8) },
      { name: '__ksymtab_gpl', content: Buffer.alloc(8) },
      { name: '__kcrctab', content: out(true).number(5, 4).number(0xcafebabe, 4).done() },
      { name: '__ksymtab_strings', content: Buffer.from('b\0a\0\0c\0') },
    ];
    const at = (name: string, section: number, value = 0n) => ({ name, section, value, info: 0x11 });
    const elf = file(sections, [
      at('__ksymtab_b', 1),
      at('__ksymtab_a', 2),
      at('__ksymtab_c', 1),
      at('__ksymtab_strings', 4),
      at('__crc_b', 3, 4n),
      at('__crc_a', 0xfff1, 0xffffffff89abcdefn),
    ]);
    expect(exportsOf(elf)).toEqual([
      { name: 'a', gpl: true, crc: 0x89abcdef },
      { name: 'b', gpl: false, crc: 0xcafebabe },
      { name: 'c', gpl: false, crc: undefined },
    ]);
    expect(texts(bytesOfSection(elf, '__ksymtab_strings') ?? Buffer.alloc(0))).toEqual(['b', 'a', 'c']);
  });
});

describe('buildId', () => {
  const note = (little: boolean, type: number, name: string, desc: string) => {
    const padded = Buffer.alloc(Math.ceil(name.length / 4) * 4);
    padded.write(name, 'latin1');
    const bytes = Buffer.from(desc, 'hex');
    return out(little)
      .number(name.length, 4)
      .number(bytes.length, 4)
      .number(type, 4)
      .bytes(padded)
      .bytes(bytes)
      .done();
  };

  it.each([true, false])('finds the GNU note of its type, little-endian: %s', (little) => {
    const content = Buffer.concat([
      note(little, 1, 'GNU\0', 'aabbccdd'),
      note(little, 3, 'GNU\0', '00112233'),
    ]);
    const elf = file([{ name: '.note.gnu.build-id', type: 7, content }], [], { bits: 64, little });
    expect(buildId(elf)).toBe('00112233');
  });

  it('is undefined without a note, and refuses a note that reaches out of its section', () => {
    expect(buildId(file([]))).toBeUndefined();
    const content = out(true)
      .number(4, 4)
      .number(0xffffffff, 4)
      .number(3, 4)
      .bytes(Buffer.from('GNU\0'))
      .done();
    const elf = file([{ name: '.note.gnu.build-id', type: 7, content }]);
    expect(() => buildId(elf)).toThrow(/outside the file/);
  });
});

describe('signatures', () => {
  const module = buildElf({ bits: 64, little: true, sections: [] });
  const signed = (der: Buffer, idType: number, signer = '') =>
    Buffer.concat([
      module,
      Buffer.from(signer),
      der,
      Buffer.from([0, 4, idType, signer.length, 0, 0, 0, 0]),
      out(false).number(der.length, 4).done(),
      Buffer.from('~Module signature appended~\n'),
    ]);
  const der = Buffer.concat([
    Buffer.from('3000060960864801650304020106035504030c06', 'hex'),
    Buffer.from('my key'),
  ]);

  it('reads issuer and digest of a PKCS#7 signature, and where the module ends', () => {
    expect(moduleSignature(readElf(signed(der, 2)))).toEqual({
      place: 'appended',
      idType: 'PKCS#7',
      signer: 'my key',
      hash: 'sha256',
      unsignedLength: module.length,
    });
  });

  it('reads the signer and hash fields of the older form', () => {
    expect(appendedSignature(signed(Buffer.alloc(9), 1, 'someone'))).toEqual({
      place: 'appended',
      idType: 'X509',
      signer: 'someone',
      hash: 'sha256',
      unsignedLength: module.length,
    });
  });

  it('takes a trailer whose lengths exceed the file for none', () => {
    const broken = signed(Buffer.alloc(0), 2);
    broken.writeUInt32BE(0x7fffffff, broken.length - 32);
    expect(appendedSignature(broken)).toBeUndefined();
    expect(appendedSignature(module)).toBeUndefined();
  });

  it('knows the section of RHEL 5', () => {
    expect(moduleSignature(file([{ name: '.module_sig', content: Buffer.alloc(64) }]))?.place).toBe(
      'section',
    );
    expect(moduleSignature(file([]))).toBeUndefined();
  });
});
