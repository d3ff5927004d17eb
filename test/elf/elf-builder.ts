/** A section of a file that `buildElf` makes. */
export interface BuiltSection {
  readonly name: string;
  /** SHT_*; PROGBITS where not given. */
  readonly type?: number;
  readonly content?: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
  /** In place of the content's own length, to make a file that lies. */
  readonly size?: bigint;
  readonly offset?: bigint;
}

export interface BuiltSymbol {
  readonly name: string;
  readonly value?: bigint;
  readonly size?: number;
  /** st_info: binding times 16, plus type. Global function where not given. */
  readonly info?: number;
  /** Section index. */
  readonly section?: number;
}

export interface ElfPlan {
  readonly bits: 32 | 64;
  readonly little: boolean;
  readonly machine?: number;
  readonly type?: number;
  /** Sections from index 1; .symtab, .strtab and .shstrtab follow them. */
  readonly sections: readonly BuiltSection[];
  readonly symbols?: readonly BuiltSymbol[];
}

/** Collects a file's bytes, with numbers in one byte order. */
export interface Out {
  number(value: bigint | number, size: number): Out;
  bytes(content: Uint8Array): Out;
  done(): Buffer;
}

export function out(little: boolean): Out {
  const parts: Buffer[] = [];
  const self: Out = {
    number(value, size) {
      const bytes = Buffer.alloc(size);
      let rest = BigInt.asUintN(size * 8, BigInt(value));
      for (let index = 0; index < size; index++, rest >>= 8n) {
        bytes[little ? index : size - 1 - index] = Number(rest & 0xffn);
      }
      parts.push(bytes);
      return self;
    },
    bytes(content) {
      parts.push(Buffer.from(content));
      return self;
    },
    done: () => Buffer.concat(parts),
  };
  return self;
}

/** A relocatable ELF file of any class and byte order, for machines whose compilers are not at hand. */
export function buildElf(plan: ElfPlan): Buffer {
  const wide = plan.bits === 64;
  const word = wide ? 8 : 4;
  const strings = new Map<string, number>();
  let stringTable = '\0';
  const text = (name: string): number => {
    const known = strings.get(name);
    if (known !== undefined) return known;
    const offset = stringTable.length;
    strings.set(name, offset);
    stringTable += `${name}\0`;
    return offset;
  };
  const symbols = out(plan.little).bytes(Buffer.alloc(wide ? 24 : 16));
  for (const symbol of plan.symbols ?? []) {
    const info = symbol.info ?? 0x12;
    const { value = 0n, size = 0, section = 0 } = symbol;
    symbols.number(text(symbol.name), 4);
    if (wide) symbols.number(info, 1).number(0, 1).number(section, 2).number(value, 8).number(size, 8);
    else symbols.number(value, 4).number(size, 4).number(info, 1).number(0, 1).number(section, 2);
  }
  const symbolIndex = plan.sections.length + 1;
  const all: BuiltSection[] = [
    ...plan.sections,
    { name: '.symtab', type: 2, content: symbols.done(), link: symbolIndex + 1, entrySize: wide ? 24 : 16 },
  ];
  for (const { name } of [...all, { name: '.strtab' }]) text(name);
  all.push({ name: '.strtab', type: 3, content: Buffer.from(stringTable, 'latin1') });

  const headerSize = wide ? 64 : 52;
  const body = out(plan.little);
  const headers = out(plan.little).bytes(Buffer.alloc(wide ? 64 : 40));
  let at = headerSize;
  for (const section of all) {
    const content = section.content ?? new Uint8Array(0);
    headers.number(text(section.name), 4).number(section.type ?? 1, 4);
    headers.number(0, word).number(0, word);
    headers.number(section.offset ?? at, word).number(section.size ?? content.length, word);
    headers.number(section.link ?? 0, 4).number(section.info ?? 0, 4);
    headers.number(1, word).number(section.entrySize ?? 0, word);
    body.bytes(content);
    at += content.length;
  }
  const header = out(plan.little)
    .bytes(Buffer.from([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, plan.little ? 1 : 2, 1, 0]))
    .bytes(Buffer.alloc(8))
    .number(plan.type ?? 1, 2)
    .number(plan.machine ?? 62, 2)
    .number(1, 4)
    .number(0, word)
    .number(0, word)
    .number(at, word)
    .number(0, 4)
    .number(headerSize, 2)
    .number(0, 2)
    .number(0, 2)
    .number(wide ? 64 : 40, 2)
    .number(all.length + 1, 2)
    .number(all.length, 2);
  return Buffer.concat([header.done(), body.done(), headers.done()]);
}
