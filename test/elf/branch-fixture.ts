import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every gcc of this machine that a kernel of a distro was built with: `gcc-11`, `gcc-12`. */
export const COMPILERS: readonly string[] = readdirSync('/usr/bin').filter((name) => /^gcc-\d+$/.test(name));

/** The relocation type of a branch to another symbol: as binutils wrote it before 2.31, or writes it since. */
export type BranchType = 'PC32' | 'PLT32';

export interface Compilation {
  /** `-m64` or `-m32`. */
  readonly bits: string;
  readonly flags?: readonly string[];
  readonly branches?: BranchType;
  readonly compiler?: string;
  /** Further sources that `ld -r` puts behind the first one, as for a module of several files. */
  readonly more?: readonly string[];
}

/** C compiled as a kernel's module is, its branches with the wanted type, and put together by `ld -r`. */
export function compiled(
  source: string,
  { bits, flags = ['-O2'], branches, compiler = 'gcc', more = [] }: Compilation,
): Buffer {
  return inFolder((folder) => {
    const objects = [source, ...more].map((text, index) => {
      const file = join(folder, `part${index}`);
      writeFileSync(`${file}.c`, text);
      const options = [bits, '-w', '-ffreestanding', '-fno-pic', '-fcf-protection=none', ...flags];
      execFileSync(compiler, ['-S', ...options, `${file}.c`, '-o', `${file}.s`]);
      if (branches !== undefined)
        writeFileSync(`${file}.s`, withBranches(readFileSync(`${file}.s`, 'utf8'), branches));
      execFileSync(compiler, ['-c', bits, `${file}.s`, '-o', `${file}.o`]);
      return `${file}.o`;
    });
    return linkedIn(folder, bits, objects);
  });
}

/** Assembler text, put together by `ld -r`. */
export function assembled(text: string, bits: string): Buffer {
  return inFolder((folder) => {
    const file = join(folder, 'part');
    writeFileSync(`${file}.s`, `${text}\n`);
    execFileSync('gcc', ['-c', bits, `${file}.s`, '-o', `${file}.o`]);
    return linkedIn(folder, bits, [`${file}.o`]);
  });
}

/** The code as a loader makes it: every symbol that is not there is at an address of its own. */
export function loadedText(module: Uint8Array, bits: string, undefinedSymbols: readonly string[]): Buffer {
  return inFolder((folder) => {
    const [input, output, text] = ['module.o', 'linked', 'text'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(input, module);
    const places = undefinedSymbols.map((name, at) => `--defsym=${name}=${0x20000 + at * 0x100}`);
    execFileSync('ld', [
      ...['-m', emulation(bits), '-z', 'norelro', '--no-relax', '-Ttext=0x10000', '-e', '0x10000'],
      ...places,
      input,
      '-o',
      output,
    ]);
    execFileSync('objcopy', ['-O', 'binary', '-j', '.text', output, text]);
    return readFileSync(text);
  });
}

function linkedIn(folder: string, bits: string, objects: readonly string[]): Buffer {
  const output = join(folder, 'module.o');
  execFileSync('ld', ['-r', '-m', emulation(bits), '-z', 'noexecstack', ...objects, '-o', output]);
  return readFileSync(output);
}

function emulation(bits: string): string {
  return bits === '-m32' ? 'elf_i386' : 'elf_x86_64';
}

/** A branch whose target this file does not define for itself alone gets a relocation of the type. */
function withBranches(text: string, type: BranchType): string {
  const labels = new Set([...text.matchAll(/^([\w.]+):/gm)].map(([, name]) => name));
  const global = new Set([...text.matchAll(/^\s*\.globl\s+([\w.]+)/gm)].map(([, name]) => name));
  return text.replaceAll(/^\t(call|jmp)\t([A-Za-z_][\w.]*)$/gm, (all, kind: string, name: string) => {
    if (labels.has(name) && !global.has(name)) return all;
    if (type === 'PLT32') return `\t${kind}\t${name}@PLT`;
    return `\t.byte 0x${kind === 'call' ? 'e8' : 'e9'}\n\t.long ${name} - . - 4`;
  });
}

function inFolder<T>(act: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-branches-'));
  try {
    return act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
