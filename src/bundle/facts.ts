import { shQuote } from '../sh-quote.ts';

/*
 * What a bundle says of itself in its head: a variable of the shell in each line, between two lines that mark them. `pack`
 * writes them, the installer uses them as variables, and `verify` reads them without a shell.
 */

const SHA256 = /^[0-9a-f]{64}$/;
/** A number that a shell of 32 bits can count with. */
const NUMBER = /^(?:0|[1-9]\d{0,8})$/;
const FLAG = /^[01]$/;

/** Each fact and what it may be, in the order of their lines. The hashes come last: see `whole.ts`. */
const FACTS = {
  RELEASE: /^[A-Za-z0-9._+~-]{1,64}$/,
  ARCH: /^(?:x86_64|i386)$/,
  MODULE: /^[A-Za-z0-9_.+-]{1,60}$/,
  MODULE_PATH: /^[A-Za-z0-9._+~/-]{1,1000}$/,
  OLD_SHA256: SHA256,
  NEW_SHA256: SHA256,
  NEW_SIZE: NUMBER,
  AFFECTED: FLAG,
  REINDEX: FLAG,
  INDEX_FILES: /^[a-z0-9._ ]{0,1000}$/,
  TOOL: /^[ -&(-~]{1,100}$/,
  PAYLOAD_SKIP: NUMBER,
  PAYLOAD_BLOCKS: NUMBER,
  PAYLOAD_SHA256: SHA256,
  SELF_CKSUM: /^\d{10}$/,
  SELF_SHA1: /^[0-9a-f]{40}$/,
  SELF_SHA256: SHA256,
} as const satisfies Readonly<Record<string, RegExp>>;

export type Facts = Readonly<Record<keyof typeof FACTS, string>>;

const NAMES = Object.keys(FACTS) as readonly (keyof typeof FACTS)[];
/** Where the installer's text has the facts put in, and stays as the first of the two marks. */
export const BEGIN = '#@FACTS@';
const END = '#@END@';

export function factLines(facts: Facts): string {
  return [BEGIN, ...NAMES.map((name) => `${name}=${shQuote(facts[name])}`), END].join('\n');
}

/** The facts of a bundle; undefined where its head does not have each of them once, in its place and as it may be. */
export function readFacts(head: string): Facts | undefined {
  const at = head.indexOf(`\n${BEGIN}\n`);
  const [mark, ...lines] = head.slice(at + 1).split('\n', NAMES.length + 2);
  if (at < 0 || mark !== BEGIN || lines.length !== NAMES.length + 1 || lines.at(-1) !== END) return undefined;
  const values = NAMES.map((name, index) => {
    const line = lines[index] ?? '';
    const value = line.slice(name.length + 2, -1);
    return line === `${name}='${value}'` && FACTS[name].test(value) ? value : undefined;
  });
  if (values.includes(undefined)) return undefined;
  return Object.fromEntries(NAMES.map((name, index) => [name, values[index]])) as Facts;
}
