import { LIMITS } from '../../limits.ts';
import { defined } from '../../optional.ts';
import type { Evidence, Verdict } from '../verdict.ts';
import { functionsOf, isCompletionName, type Routine } from './completion.ts';
import { type Depth, type Judgement, judge } from './judge.ts';
import { configurations, preprocess } from './preprocess.ts';
import type { Allowance } from './run.ts';
import { type BranchSite, siteOf } from './site.ts';
import { isUnclear, unclear } from './syntax.ts';
import { type Directive, type Lexed, lex, type Token } from './tokens.ts';

/** How a driver's source treats a BUSY command. */
export type SourceShape =
  | 'affected'
  /** The vendor's DID_COND_REQUEUE or DID_REQUEUE has replaced the branch. */
  | 'requeue-variant'
  | 'branch-removed'
  | 'never-had-it'
  /** RHEL 4's empty mptscsih.c, whose code is in mptscsi.c. */
  | 'dummy'
  | 'not-this-driver'
  | 'unparsable';

/** 1-based, both ends inclusive. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

interface ScanFacts {
  readonly file: string;
  /** One line for a person. */
  readonly detail: string;
  /** The driver's own version, such as 3.04.04, where this file says it. */
  readonly version?: string;
  /** Where the decision is made, and how it reads. */
  readonly lines?: LineRange;
  readonly text?: string;
}

export type SourceScan =
  | (ScanFacts & {
      readonly shape: 'affected';
      readonly lines: LineRange;
      readonly text: string;
      readonly site: BranchSite;
    })
  | (ScanFacts & { readonly shape: Exclude<SourceShape, 'affected'> });

/**
 * Judges one source file of the driver. Never throws, and takes time linear in the text; what is not certain is
 * `unparsable`, with the reason in `detail`.
 *
 * @param text the file; read it as latin1 where its offsets or bytes matter later, as old drivers are not all UTF-8
 * @param file the name for messages and for telling a dummy from a truncated file; it is not opened
 */
export function scanDriverSource(text: string, file: string): SourceScan {
  const facts = { file, ...defined({ version: versionIn(text) }) };
  try {
    return { ...facts, ...scanText(text, file) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const line = isUnclear(error) ? error.unclearLine : undefined;
    const lines = line === undefined ? undefined : { first: line, last: line };
    return { ...facts, ...defined({ lines }), ...unparsable(reason) };
  }
}

/**
 * What the routine does with commands, for each choice of conditions that leaves a routine. Throws where that is not
 * certain.
 */
export function judgeAll(text: string, depth: Depth): readonly Judgement[] {
  const lexed = lex(text);
  if (lexed.overflow) throw new Error('it has more tokens than any driver');
  const { choices, complete } = configurations(lexed);
  const found: Judgement[] = [];
  const allowance: Allowance = { steps: LIMITS.sourceSteps };
  // Offsets of all DID_BUS_BUSY that some choice leaves.
  const seen = new Set<number>();
  for (const one of choices) {
    const source = preprocess(lexed, one);
    const judgement = judge(source, depth, allowance);
    if (judgement !== undefined) found.push(judgement);
    if (!complete) for (const token of source.tokens) if (isBusBusy(token)) seen.add(token.start);
  }
  if (!complete) for (const { routine } of found.slice(0, 2)) refuseUnseen(lexed, seen, routine);
  return found;
}

function isBusBusy(item: Token | Directive): boolean {
  return item.kind === 'id' && item.text.endsWith('DID_BUS_BUSY');
}

/** Where not all choices of conditions were examined, none may hide a DID_BUS_BUSY. */
function refuseUnseen(lexed: Lexed, seen: ReadonlySet<number>, routine: Routine): void {
  const start = routine.tokens[0]?.start ?? 0;
  const end = routine.tokens.at(-1)?.end ?? 0;
  const unseen = lexed.items.find(
    (item) => isBusBusy(item) && item.start >= start && item.end <= end && !seen.has(item.start),
  );
  if (unseen !== undefined) {
    throw unclear(`too many #if conditions surround the DID_BUS_BUSY on line ${unseen.line}`, unseen.line);
  }
}

type Found = SourceScan extends infer Scan
  ? Scan extends SourceScan
    ? Omit<Scan, 'file' | 'version'>
    : never
  : never;

function scanText(text: string, file: string): Found {
  if (!/io_done|IOC_?STATUS|mpt/i.test(text) && !isDriverName(file)) return NOT_THIS_DRIVER;
  const judgements = judgeAll(text, 'decide');
  const [first] = judgements;
  if (first === undefined) return withoutRoutine(text, file);
  const shapes = new Set(judgements.map((judgement) => judgement.shape));
  if (shapes.has('affected') && shapes.size > 1) {
    const affected = judgements.find((judgement) => judgement.shape === 'affected') ?? first;
    const site = siteOf(affected, text);
    const where = site === undefined ? {} : placeOf(text, site.start, site.end);
    return { ...where, ...unparsable('a build option (#if) decides whether the branch is compiled') };
  }
  if (shapes.has('affected')) return affectedScan(judgements, first, text);
  const chosen = judgements.find((judgement) => judgement.shape === 'requeue-variant') ?? first;
  return {
    ...decidingPlace(chosen, text),
    shape: chosen.shape === 'affected' ? 'unparsable' : chosen.shape,
    detail: chosen.detail,
  };
}

function affectedScan(judgements: readonly Judgement[], first: Judgement, text: string): Found {
  const sites = judgements.map((judgement) => siteOf(judgement, text));
  const [site] = sites;
  if (site === undefined)
    return unparsable('a BUSY command ends as DID_BUS_BUSY, but the statement that sets it was not found');
  // Two places, in two arms of an #if, are more than one edit can change.
  const same = sites.every((other) => other?.start === site.start && other.end === site.end);
  const sure = same ? site : { ...site, edits: [] };
  return { ...placeOf(text, site.start, site.end), shape: 'affected', detail: first.detail, site: sure };
}

function unparsable(reason: string) {
  return { shape: 'unparsable', detail: `cannot be judged: ${reason}` } as const;
}

const NOT_THIS_DRIVER: Found = {
  shape: 'not-this-driver',
  detail: 'this file does not have the completion routine of the Fusion MPT SCSI host driver',
};

/** A file of the driver without a completion routine: the dummy, a truncated file, or another part of the driver. */
function withoutRoutine(text: string, file: string): Found {
  const lexed = lex(text);
  const { tokens } = preprocess(lexed, new Map());
  const functions = functionsOf(tokens);
  const own = functions.filter((place) => /^mptscsih?_/.test(place.name));
  const declared = tokens.some((token, at) => isCompletionName(token.text) && isDeclared(tokens, at));
  const names = new Set(tokens.map((token) => token.text));
  const isModule = names.has('module_init') && names.has('module_exit');
  if (isModule && !declared && own.length > 0 && functions.length <= 4 && !names.has('scsi_done')) {
    const detail = 'a dummy module without code of its own: the driver is in mptscsi.c next to it';
    return { shape: 'dummy', detail };
  }
  const cut = lexed.truncated || functions.some((place) => place.close === undefined);
  return isDriverName(file) || (own.length > 0 && (declared || cut))
    ? unparsable('the completion routine is missing; is the file truncated?')
    : NOT_THIS_DRIVER;
}

function isDriverName(file: string): boolean {
  return /(?:^|[\\/])mptscsih?\.c$/i.test(file);
}

/** A prototype or an export, not a use. */
function isDeclared(tokens: readonly Token[], at: number): boolean {
  if (tokens[at - 1]?.kind === 'id') return tokens[at + 1]?.text === '(';
  return tokens[at - 1]?.text === '(' && /^EXPORT_SYMBOL/.test(tokens[at - 2]?.text ?? '');
}

/** The last write to the result on a BUSY command's way, with the `if` around it that tests for BUSY, if any. */
function decidingPlace(judgement: Judgement, text: string): Pick<ScanFacts, 'lines' | 'text'> {
  const { routine } = judgement;
  const write = judgement.writes.findLast((one) => one.value !== undefined) ?? judgement.writes.at(-1);
  const start = routine.tokens[write?.node.first ?? -1]?.start;
  const end = routine.tokens[write?.node.last ?? -1]?.end;
  return start === undefined || end === undefined ? {} : placeOf(text, start, end);
}

function placeOf(text: string, start: number, end: number): { lines: LineRange; text: string } {
  const first = lineAt(text, start);
  const piece = text.slice(start, end);
  return { lines: { first, last: first + lineAt(piece, piece.length) - 1 }, text: piece };
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

function versionIn(text: string): string | undefined {
  return /(?:MPT_LINUX_VERSION_COMMON|my_VERSION|MODULE_VERSION)[ \t]*(?:\([ \t]*)?"([^"\n]{1,40})"/.exec(
    text,
  )?.[1];
}

const VERDICTS: Readonly<Record<SourceShape, Verdict>> = {
  affected: 'affected',
  'requeue-variant': 'fixed',
  'branch-removed': 'fixed',
  'never-had-it': 'never',
  dummy: 'unknown',
  'not-this-driver': 'unknown',
  unparsable: 'unknown',
};

/** The scan as a reason for a verdict. */
export function verdictOfScan(scan: SourceScan): Evidence {
  const { shape, detail, file, lines } = scan;
  return { kind: 'source', verdict: VERDICTS[shape], detail, file, ...defined({ line: lines?.first }) };
}
