import type { Verdict } from '../../driver/verdict.ts';
import { columns, type Style, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import type { CheckResult } from './document.ts';

/** What each verdict means, and its colour. */
const MEANING: Readonly<Record<Verdict, readonly [Style, string]>> = {
  affected: [
    'red',
    'AFFECTED: a SCSI BUSY becomes an I/O error; a path failover can turn file systems read-only',
  ],
  fixed: ['green', 'fixed: a SCSI BUSY goes to the SCSI layer, which waits'],
  never: ['green', 'not affected: this driver never had the branch'],
  absent: ['green', 'not affected: this kernel has no such driver'],
  unknown: ['yellow', 'UNKNOWN: there is not enough evidence to decide'],
};

/** The row of a table of several. */
export function checkCells({ verdict, kernel, driver }: CheckResult): readonly string[] {
  return [LOUD[verdict] ?? verdict, kernel?.release ?? '-', driver.file ?? '-'];
}

/** Those that ask for something to be done stand out, without colour too. */
const LOUD: Partial<Record<Verdict, string>> = { affected: 'AFFECTED', unknown: 'UNKNOWN' };

/** The lines below that table: what to do about one of them. */
export function checkBelow(
  { root, host }: { readonly root?: string | undefined; readonly host?: string | undefined },
  { verdict, kernel, disagreement, next }: CheckResult,
): readonly string[] {
  if (next === undefined) return [];
  const who = `${root ?? host ?? 'this machine'}, ${kernel?.release ?? ''}: ${LOUD[verdict] ?? verdict}`;
  return [
    printable(who),
    ...(disagreement === undefined ? [] : [printable(`  note: ${disagreement}`)]),
    printable(`  next: ${next}`),
  ];
}

/** A page to paste into a ticket. */
export function checkPage(
  result: CheckResult,
  more: { readonly name: string; readonly notes: readonly string[] },
): string {
  const { verdict, driver, kernel, evidence, disagreement, next, kb, survivalWindowSeconds } = result;
  const notes = [...(disagreement === undefined ? [] : [disagreement]), ...more.notes];
  const [colour, meaning] = MEANING[verdict];
  const rows: [string, string][] = [['guest', more.name]];
  if (kernel !== null) rows.push(['distro', kernel.distro], ['kernel', kernel.release]);
  if (driver.file !== null)
    rows.push(['driver', `${driver.file}${driver.version === null ? '' : ` (version ${driver.version})`}`]);
  if (driver.inUse !== null) rows.push(['in use', driver.inUse ? 'yes: a disk uses it' : 'no disk uses it']);
  if (kb !== null) rows.push(['KB 51306', kb.covered ? 'covers this guest' : 'does not cover this guest']);
  if (kb?.vendorFix !== undefined) rows.push(['vendor fix', kb.vendorFix]);
  if (survivalWindowSeconds !== undefined) {
    rows.push([
      'survives',
      survivalWindowSeconds === 0 ? 'an instant of BUSY' : `${survivalWindowSeconds} s of BUSY`,
    ]);
  }
  return [
    style(colour, style('bold', meaning)),
    '',
    columns(rows),
    '',
    'evidence:',
    ...evidence.map((item) => printable(`  ${item.kind}: ${item.verdict}: ${item.detail}${place(item)}`)),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => printable(`note: ${note}`))]),
    ...(next === undefined ? [] : ['', printable(`next: ${next}`)]),
  ].join('\n');
}

function place({ file, line }: CheckResult['evidence'][number]): string {
  if (file === undefined) return '';
  return line === undefined ? ` [${file}]` : ` [${file}:${line}]`;
}
