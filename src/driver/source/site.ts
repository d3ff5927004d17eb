import { childrenOf } from './completion.ts';
import { HOST, hostOf } from './constants.ts';
import type { Judgement } from './judge.ts';
import type { Expr, Span, Stmt } from './syntax.ts';

/** A replacement of a part of the text, by offset. */
export interface Edit {
  readonly start: number;
  /** One past the last character that is replaced. */
  readonly end: number;
  readonly replacement: string;
}

/** The branch in the text. */
export interface BranchSite {
  readonly start: number;
  readonly end: number;
  /**
   * Changes that may remove the branch, the one nearest to upstream's first. None is proven: the caller must scan the
   * outcome.
   */
  readonly edits: readonly Edit[];
}

/** Where an affected routine's branch is, in a text whose offsets the routine's tokens have. */
export function siteOf(judgement: Judgement, text: string): BranchSite | undefined {
  const { routine, busBusy, writes } = judgement;
  const culprits = new Set<Expr>();
  for (const write of writes) {
    if (write.value?.some((value) => hostOf(value) === HOST.BUS_BUSY)) culprits.add(write.node);
  }
  const [culprit] = culprits;
  if (culprit === undefined) return undefined;
  const path = pathTo(routine.body, culprit);
  const offsets = ({ first, last }: Span) => ({
    start: routine.tokens[first]?.start ?? 0,
    end: routine.tokens[last]?.end ?? 0,
  });
  const spelling = (span: Span): string => {
    const { start, end } = offsets(span);
    return text.slice(start, end);
  };
  const edits: Edit[] = [];
  const branch = path.findLast((step) => step.kind === 'if');
  const kept = branch === undefined ? undefined : otherArm(branch, culprit);
  const statement = branch ?? path.at(-1);
  if (statement === undefined) return undefined;
  const place = offsets(statement);
  if (culprits.size === 1 && kept !== undefined)
    edits.push({ ...place, replacement: spelling(kept.statement) });
  const choice = culprit.kind === 'assign' ? choiceIn(culprit.value) : undefined;
  if (choice !== undefined) {
    const at = offsets(choice);
    for (const arm of [choice.no, choice.yes])
      edits.push({ ...at, replacement: armText(arm, spelling(arm), text[at.start] === '(') });
  }
  const [word] = busBusy;
  const token = word === undefined ? undefined : routine.tokens[word];
  if (token !== undefined && busBusy.length === 1) {
    edits.push({ start: token.start, end: token.end, replacement: token.text.replace(/BUS_BUSY$/, 'OK') });
  }
  if (culprits.size === 1 && culprit.kind === 'assign' && culprit.op === '=') {
    const other = kept === undefined ? '(DID_OK << 16) | scsi_status' : spelling(kept.value);
    edits.push({ ...offsets(culprit.value), replacement: other });
  }
  const start = Math.min(place.start, ...edits.map((edit) => edit.start));
  const end = Math.max(place.end, ...edits.map((edit) => edit.end));
  return { start, end, edits };
}

/** The statements that lead to the one whose expression holds `target`, outermost first. */
function pathTo(body: readonly Stmt[], target: Expr): Stmt[] {
  const within = (span: Span): boolean => span.first <= target.first && target.last <= span.last;
  const path: Stmt[] = [];
  let level: readonly Stmt[] = body;
  for (;;) {
    const next = level.find(within);
    if (next === undefined) return path;
    path.push(next);
    level = childrenOf(next);
  }
}

type If = Stmt & { kind: 'if' };

/** The other arm of the `if`, where both arms are nothing but one assignment to the same place. */
function otherArm(branch: If, culprit: Expr): { statement: Stmt; value: Expr } | undefined {
  if (branch.no === undefined || culprit.kind !== 'assign') return undefined;
  const yes = soleAssignment(branch.yes);
  const no = soleAssignment(branch.no);
  if (yes === undefined || no === undefined) return undefined;
  if (yes.expr === culprit) return { statement: no.statement, value: no.expr.value };
  return no.expr === culprit ? { statement: yes.statement, value: yes.expr.value } : undefined;
}

function soleAssignment(arm: Stmt): { statement: Stmt; expr: Expr & { kind: 'assign' } } | undefined {
  if (arm.kind === 'block') {
    const [only, other] = arm.body;
    return only === undefined || other !== undefined ? undefined : soleAssignment(only);
  }
  if (arm.kind !== 'expression' || arm.expr.kind !== 'assign' || arm.expr.op !== '=') return undefined;
  return { statement: arm, expr: arm.expr };
}

/** The arm as it can replace the whole choice together with the choice's own parentheses. */
function armText(arm: Expr, text: string, inParens: boolean): string {
  const isSingle = ['name', 'number', 'member', 'call'].includes(arm.kind) || text.startsWith('(');
  return inParens && !isSingle ? `(${text})` : text;
}

/** The `?:` in the value, if there is just one. */
function choiceIn(expr: Expr): (Expr & { kind: 'choice' }) | undefined {
  if (expr.kind === 'choice') return expr;
  if (expr.kind === 'binary') return choiceIn(expr.left) ?? choiceIn(expr.right);
  return undefined;
}
