import { scanDriverSource } from '../../../src/driver/source/scan.ts';
import type { Hostile } from '../../helpers/bounded.ts';
import { BRANCH, eraFile } from './eras.ts';

/** Lets the scanner at a text of the driver. */
const scan = (text: string) => () => {
  const { shape, detail } = scanDriverSource(text, 'mptscsih.c');
  return `${shape}: ${detail}`;
};

const file = (parts: { before?: string; prologue?: string; epilogue?: string; success?: string }) =>
  scan(eraFile({ success: BRANCH, ...parts }));

/** A doubling tree of macros: each is two times the next one. */
function macros(depth: number, fan: number): string {
  const body = (name: string) => Array.from({ length: fan }, () => `(${name} == ${name})`).join(' == ');
  const lines = Array.from({ length: depth }, (_, index) => `#define M${index} ${body(`M${index + 1}`)}\n`);
  return `${lines.join('')}#define M${depth} 1\n`;
}

function repeat(count: number, one: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => one(index)).join('');
}

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'attributes after a function': (size) => file({ before: `f()${repeat(size, () => ' __a()')};\n` }),
  'blanks after the version': (size) => file({ before: `MODULE_VERSION${' '.repeat(size)}x\n` }),
  'a condition of macros of macros': (size) =>
    file({ before: `${macros(8, size)}#if M0 == 1\nint x;\n#endif\n` }),
  'definitions after the routine': (size) =>
    scan(
      eraFile({ success: BRANCH, epilogue: repeat(size, () => 'a = MACRO;\n') }) +
        repeat(size, () => '#define MACRO 1\n'),
    ),
  'a long sum': (size) => file({ epilogue: `a = 0${' + 1'.repeat(size)};\n` }),
  'a long path': (size) => file({ epilogue: `a${'.b'.repeat(size)} = 1;\n` }),
  'a long condition': (size) => file({ before: `#if A${' || A'.repeat(size)}\n#endif\n` }),
  'loops in loops around much': (size) =>
    file({ epilogue: `${'while (a) {'.repeat(14)}${'b = c;\n'.repeat(size)}${'}'.repeat(14)}\n` }),
  'a switch with many cases': (size) =>
    file({ epilogue: `switch (a) {${repeat(size, (index) => `case ${index}: b = c;\n`)}}\n` }),
  'jumps with many variables': (size) =>
    file({
      epilogue: `${repeat(size, (index) => `v${index} = 1;\n`)}${repeat(size, () => 'if (0) goto out;\n')}out: ;\n`,
    }),
  'open conditions, and many tokens': (size) =>
    file({
      prologue: repeat(50, (index) => `#ifdef CONFIG_${index}\na = ${index};\n#endif\n`),
      epilogue: 'b = c;\n'.repeat(size),
    }),
  'open conditions, and many definitions': (size) =>
    file({
      prologue: repeat(50, (index) => `#ifdef CONFIG_${index}\na = ${index};\n#endif\n`),
      before: repeat(size, (index) => `#define D${index} 1 2 3\n`),
    }),
  'conditions that show one another': (size) =>
    file({
      prologue: repeat(
        size,
        (index) => `#ifdef D${index}\n#else\n#if !C${index + 1}\n#define D${index + 1}\n#endif\n#endif\n`,
      ),
    }),
  'conditions in a row': (size) =>
    file({ prologue: repeat(size, (index) => `#ifdef CONFIG_${index}\na = ${index};\n#endif\n`) }),
  'strings and names in a row': (size) => file({ epilogue: `f(${'a '.repeat(size)});\n` }),
  'a macro that is used often': (size) =>
    file({
      before: `#define SET(x) do { ${'x = 1; '.repeat(200)} } while (0)\n`,
      epilogue: 'SET(a);\n'.repeat(size),
    }),
  'else if': (size) => file({ epilogue: `${'if (a) b = 1; else '.repeat(size)}b = 2;\n` }),
  parentheses: (size) => file({ epilogue: `a = ${'('.repeat(size)}1${')'.repeat(size)};\n` }),
  'comments that never end': (size) => file({ before: '/* '.repeat(size) }),
  quotes: (size) => file({ before: "'".repeat(size) }),
  'calls in calls': (size) =>
    file({ epilogue: `${'f('.repeat(140)}${'a,'.repeat(size)}a${')'.repeat(140)};\n` }),
};
