import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SIGNATURES } from '../src/kernel-log/signatures.ts';
import { GIB, writeLog } from './log.ts';
import { type Contender, race } from './measure.ts';
import { translated } from './patterns.ts';
import { bring, notHere } from './programs.ts';
import { dispose, scratch } from './scratch.ts';
import { type GrowthRow, growthTable, linear, ratioTarget, table, targets } from './table.ts';

const GREP = 'grep -cE, the table’s patterns';
const RG = 'rg -c, the table’s patterns';
const DIAGNOSE = 'mptfix diagnose';
const RG_WORDS = ['rg', '--no-unicode', '--regex-size-limit=100M', '-c', '-f'] as const;
const ROUNDS = 3;

/** A log of 1 GiB, read by diagnose and by grep and rg, which also have the patterns to look for, but decode nothing. */
export async function benchDiagnose(): Promise<string> {
  const folder = scratch();
  try {
    const at = (name: string): string => join(folder, name);
    const log = at('messages');
    const failures = writeLog(log, GIB);
    writeFileSync(at('words'), `${[...new Set(SIGNATURES.flatMap(({ needles }) => needles))].join('\n')}\n`);
    for (const dialect of ['grep', 'rg'] as const) {
      const patterns = SIGNATURES.map(({ pattern }) => translated(pattern.source, dialect));
      writeFileSync(at(dialect), `${patterns.join('\n')}\n`);
    }
    const hasRg = bring('rg');
    const counting: readonly Contender[] = [
      { name: GREP, argv: to(at('out-grep'), 'grep', '-cE', '-f', at('grep'), log) },
      ...(hasRg ? [{ name: RG, argv: to(at('out-rg'), ...RG_WORDS, at('rg'), log) }] : []),
    ];
    const rows = await race(
      [
        { name: 'grep -c, one word', argv: to(at('out'), 'grep', '-c', 'I/O error', log) },
        { name: 'grep -cF, the table’s words', argv: to(at('out'), 'grep', '-cF', '-f', at('words'), log) },
        ...counting,
        { name: DIAGNOSE, argv: diagnose(at('out'), log) },
      ],
      ROUNDS,
    );
    for (const name of hasRg ? ['out-grep', 'out-rg'] : ['out-grep']) requireCount(at(name), failures);
    const aims = [
      ratioTarget(rows, [DIAGNOSE, GREP], 1),
      ...(hasRg ? [ratioTarget(rows, [DIAGNOSE, RG], 1)] : []),
    ];
    return [
      `${ABOUT} ${failures} lines are of failures; grep and rg found as many.`,
      table(rows, GREP),
      targets(...aims),
      ...(hasRg ? [] : [notHere('rg')]),
    ].join('\n\n');
  } finally {
    dispose(folder);
  }
}

const ABOUT =
  'grep and rg look for the same patterns and only count lines. `mptfix diagnose` also decodes the fields, puts the ' +
  'messages in their order, and draws conclusions.';

/** Logs of 0.1, 1 and 4 GiB. */
export async function benchLogs(): Promise<string> {
  const folder = scratch();
  try {
    const sizes = [0.1, 1, 4].map((gib) => ({ gib, log: join(folder, `messages-${gib}`) }));
    for (const { gib, log } of sizes) writeLog(log, gib * GIB);
    const rows = await race(
      sizes.map(({ gib, log }) => ({ name: `${gib} GiB`, argv: diagnose(join(folder, 'out'), log) })),
      ROUNDS,
    );
    const growth = rows.map((row, index): GrowthRow => ({ ...row, work: (sizes[index]?.gib ?? 0) / 0.1 }));
    return [growthTable(growth), targets(linear(growth, '`mptfix diagnose`'))].join('\n\n');
  } finally {
    dispose(folder);
  }
}

function diagnose(out: string, log: string): readonly string[] {
  return to(out, process.execPath, 'bin/mptfix.cjs', 'diagnose', '--json', log);
}

/** With its output in a file: grep ends at the first match where its output is thrown away. */
function to(file: string, ...argv: readonly string[]): readonly string[] {
  return ['env', 'LC_ALL=C', 'sh', '-c', 'out=$1; shift; exec "$@" > "$out"', 'sh', file, ...argv];
}

/** A pattern that the other program reads otherwise would make it look for less. */
function requireCount(file: string, expected: number): void {
  const found = Number(readFileSync(file, 'latin1'));
  if (found !== expected) throw new Error(`${file}: ${found} lines found instead of ${expected}`);
}
