import { shellWords, typed } from '../../typed.ts';
import { type Style, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { verbatim } from '../../ui/wrap.ts';
import type { RecoverResult } from './document.ts';

type FileSystemReport = RecoverResult['fileSystems'][number];
type Step = FileSystemReport['steps'][number];

/** What each state means, and its colour. */
const STATES: Readonly<Record<FileSystemReport['state'], readonly [Style, string]>> = {
  'storage-away': ['red', 'its disk does not answer as it should'],
  aborted: ['red', 'READ-ONLY: the kernel gave it up; a remount does not bring it back'],
  shutdown: ['red', 'SHUT DOWN by the kernel; a remount does not bring it back'],
  flagged: ['red', 'errors are on record: it needs a check'],
  'remounted-ro': ['yellow', 'read-only, and nothing shows an error: it may be mounted read-write again'],
  unknown: ['yellow', 'read-only, and it is not known whether it is clean'],
  'intended-ro': ['green', 'read-only, as intended'],
  writable: ['green', 'writable'],
  'not-running': ['bold', 'not running: the steps if its kernel gives it up'],
};

const THIS_MACHINE = 'this machine';

const RESULTS: Readonly<Record<RecoverResult['result'], () => string>> = {
  well: () => 'nothing to recover',
  advised: () => `${typed('recover', ['--apply'])} does the safe ones of these steps, and asks before each`,
  recovered: () => 'done: writable again',
  'by-hand': () => 'not recovered: the remaining steps are for you',
};

export function recoverPage(result: RecoverResult): string {
  const parts = result.fileSystems.map((report) =>
    fileSystemPart(report, result.outcomes?.[report.mountPoint]),
  );
  return [
    ...parts,
    ...servicesPart(result),
    ...(result.savedLog === null ? [] : [printable(`kernel log: ${result.savedLog}`)]),
    ...(result.target === THIS_MACHINE || result.result !== 'advised'
      ? [RESULTS[result.result]()]
      : ['these steps are for the guest itself, when it runs: type none of them on this machine']),
  ].join('\n');
}

function fileSystemPart(
  report: FileSystemReport,
  outcomes: NonNullable<RecoverResult['outcomes']>[string] | undefined,
): string {
  const [colour, meaning] = STATES[report.state];
  const head = `${printable(report.mountPoint)} (${printable(report.type)} on ${printable(report.device)}): ${meaning}`;
  if (report.steps.length === 0) return style(colour, head);
  const refused = report.remountRefused.filter(
    (reason) => !report.evidence.some(({ detail }) => detail === reason),
  );
  return [
    style(colour, style('bold', head)),
    ...report.evidence.map(({ bad, detail }) => `  ${bad ? '!' : '-'} ${printable(detail)}`),
    ...(report.remountRefused.length === 0
      ? []
      : ['  the kernel refuses mount -o remount,rw for those marked ! above']),
    ...refused.map((reason) => `  ! ${printable(reason)}`),
    '',
    ...report.steps.flatMap((step, index) => stepLines(step, index + 1, outcomes?.[index])),
    '',
  ].join('\n');
}

function stepLines(
  { title, why, commands, action }: Step,
  number: number,
  outcome: { readonly outcome: string; readonly detail: string } | undefined,
): readonly string[] {
  const done =
    outcome === undefined ? (action === undefined ? '' : ' [--apply does it]') : ` [${outcome.outcome}]`;
  return [
    `  ${number}. ${printable(title)}${done}`,
    `     ${printable(why)}`,
    ...commands.map((command) => verbatim(`       ${shellWords(command)}`)),
    ...(outcome === undefined || outcome.outcome === 'left'
      ? []
      : [`     ${outcome.outcome}: ${printable(outcome.detail)}`]),
  ];
}

function servicesPart({ services }: RecoverResult): readonly string[] {
  if (services.length === 0) return [];
  return [
    'services that should be running and are not:',
    ...services.flatMap(({ name, why, commands }) => [
      printable(`  ${name}: ${why}`),
      ...commands.map((command) => verbatim(`       ${shellWords(command)}`)),
    ]),
    '',
  ];
}

/** One step, before it is asked for. */
export function stepPage(step: Step, mountPoint: string): string {
  return [`${printable(mountPoint)}:`, ...stepLines(step, 1, undefined)].join('\n');
}
