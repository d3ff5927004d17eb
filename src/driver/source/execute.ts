import { HOST, hostOf, isSuccessName } from './constants.ts';
import { evaluate } from './evaluate.ts';
import { type Run, refuseTelling, spend } from './run.ts';
import { type Expr, type Stmt, unclear } from './syntax.ts';
import { type Env, joinEnvs, joinValues, truthOf, type Value } from './values.ts';

type Switch = Stmt & { kind: 'switch' };

/** Statements between the function's start and the switch on the IOC status, that switch included. */
export type WayToSwitch = ReadonlySet<Stmt>;

interface Machine {
  readonly run: Run;
  readonly way: WayToSwitch;
  readonly breaks: (Env | undefined)[];
  readonly continues: (Env | undefined)[];
  readonly pending: Map<string, Env>;
  readonly outcomes: Env[];
}

/**
 * Runs the routine along all paths of a command whose IOC status is SUCCESS. Where a condition is not known, takes both
 * arms. Returns the states in which the routine ends; what it noticed on the way is in `run`.
 */
export function execute(body: readonly Stmt[], way: WayToSwitch, run: Run): Env[] {
  const machine: Machine = {
    run,
    way,
    breaks: [],
    continues: [],
    pending: new Map(),
    outcomes: [],
  };
  leave(runList(body, new Map(), machine), machine);
  // A jump backwards, or into a block: its state counts as one in which the routine ends.
  for (const env of machine.pending.values()) leave(env, machine);
  if (!run.reached) throw unclear('no path leads to the switch on the IOC status');
  return machine.outcomes;
}

function leave(env: Env | undefined, machine: Machine): void {
  if (env === undefined) return;
  if (machine.run.reached) machine.outcomes.push(env);
  else refuseEarly(env);
}

/** A command that leaves before the switch does not matter, unless the branch is what makes it leave. */
function refuseEarly(env: Env): void {
  for (const [path, value] of env) {
    if (path.endsWith('.result') && value?.some((result) => hostOf(result) === HOST.BUS_BUSY)) {
      throw unclear('DID_BUS_BUSY is set before the switch on the IOC status');
    }
  }
}

function fork(env: Env, machine: Machine): Env {
  spend(machine.run.allowance, env.size + 10);
  return new Map(env);
}

function runList(list: readonly Stmt[], start: Env | undefined, machine: Machine): Env | undefined {
  let env = start;
  for (const statement of list) {
    spend(machine.run.allowance, 1);
    if (statement.kind === 'label') {
      env = joinEnvs(env, machine.pending.get(statement.name));
      machine.pending.delete(statement.name);
    }
    if (env !== undefined) env = runStatement(statement, env, machine);
  }
  return env;
}

function runStatement(statement: Stmt, env: Env, machine: Machine): Env | undefined {
  switch (statement.kind) {
    case 'expression':
      evaluate(statement.expr, env, machine.run);
      return env;
    case 'declaration':
      for (const { name, value } of statement.names) {
        if (value === undefined) env.delete(name);
        else env.set(name, evaluate(value, env, machine.run));
      }
      return env;
    case 'block':
      return runList(statement.body, env, machine);
    case 'if':
      return runIf(statement, env, machine);
    case 'switch':
      return machine.way.has(statement)
        ? runIocSwitch(statement, env, machine)
        : runSwitch(statement, env, machine);
    case 'loop':
      return runLoop(statement, env, machine);
    case 'goto':
      jump(statement.name, env, machine);
      return undefined;
    case 'return':
      leave(env, machine);
      return undefined;
    case 'break':
      return park(machine.breaks, env, machine);
    case 'continue':
      return park(machine.continues, env, machine);
    case 'opaque':
      // Tokens that are no statement we know: harmless unless they mention the result.
      refuseTelling(statement, machine.run);
      return env;
    default:
      return env;
  }
}

function park(stack: (Env | undefined)[], env: Env, machine: Machine): undefined {
  if (stack.length === 0) throw unclear("'break' or 'continue' outside of a loop or switch");
  stack[stack.length - 1] = joinEnvs(stack.at(-1), fork(env, machine));
}

function jump(name: string, env: Env, machine: Machine): void {
  if (!machine.run.reached) {
    refuseEarly(env);
    return;
  }
  spend(machine.run.allowance, env.size);
  const joined = joinEnvs(machine.pending.get(name), env);
  if (joined !== undefined) machine.pending.set(name, joined);
}

function runIf(statement: Stmt & { kind: 'if' }, env: Env, machine: Machine): Env | undefined {
  const test = truthOf(evaluate(statement.test, env, machine.run));
  const yes = (from: Env) => runStatement(statement.yes, from, machine);
  const no = (from: Env) => (statement.no === undefined ? from : runStatement(statement.no, from, machine));
  if (test !== undefined) return test ? yes(env) : no(env);
  // Of two paths, only the one to the switch matters.
  if (machine.way.has(statement)) return machine.way.has(statement.yes) ? yes(env) : no(env);
  const other = fork(env, machine);
  return joinEnvs(yes(env), no(other));
}

/** The switch on the IOC status, entered at SUCCESS. */
function runIocSwitch(statement: Switch, env: Env, machine: Machine): Env | undefined {
  const subject = evaluate(statement.subject, env, machine.run);
  const entry = statement.body.findIndex(isSuccessCase);
  if (entry < 0) throw unclear('the switch on the IOC status has no SUCCESS case of its own');
  if (subject !== undefined && !subject.includes(0))
    throw unclear('the IOC status is changed before the switch');
  machine.run.reached = true;
  return withBreaks(machine, () => runList(statement.body.slice(entry), env, machine));
}

/** `case MPI_IOCSTATUS_SUCCESS:`, under whatever prefix. */
export function isSuccessCase(statement: Stmt): boolean {
  return statement.kind === 'case' && statement.value.kind === 'name' && isSuccessName(statement.value.name);
}

function runSwitch(statement: Switch, env: Env, machine: Machine): Env | undefined {
  const subject = evaluate(statement.subject, env, machine.run);
  const { body } = statement;
  const entries = body.flatMap((item, at) =>
    item.kind === 'case' ? [{ at, match: matches(item, subject, env, machine) }] : [],
  );
  const certain = entries.find((entry) => entry.match === true);
  const possible = certain === undefined ? entries.filter((entry) => entry.match === undefined) : [certain];
  const otherwise = body.findIndex((item) => item.kind === 'default');
  const ways = possible.map((entry) => entry.at);
  if (certain === undefined && otherwise >= 0) ways.push(otherwise);
  return withBreaks(machine, () => {
    let end = certain === undefined && otherwise < 0 ? fork(env, machine) : undefined;
    for (const at of ways) end = joinEnvs(end, runList(body.slice(at), fork(env, machine), machine));
    return end;
  });
}

function matches(
  label: Stmt & { kind: 'case' },
  subject: Value,
  env: Env,
  machine: Machine,
): boolean | undefined {
  const low = evaluate(label.value, env, machine.run);
  const high = label.upTo === undefined ? low : evaluate(label.upTo, env, machine.run);
  const from = low?.[0];
  const to = high?.[0];
  if (subject === undefined || from === undefined || to === undefined) return undefined;
  const inside = subject.filter((number) => number >= from && number <= to);
  if (inside.length === 0) return false;
  return inside.length === subject.length ? true : undefined;
}

function withBreaks(machine: Machine, body: () => Env | undefined): Env | undefined {
  machine.breaks.push(undefined);
  const end = body();
  return joinEnvs(end, machine.breaks.pop());
}

function runLoop(statement: Stmt & { kind: 'loop' }, env: Env, machine: Machine): Env | undefined {
  const head = (from: Env) => statement.head.map((part: Expr) => evaluate(part, from, machine.run));
  const before = statement.once || machine.way.has(statement) ? undefined : fork(env, machine);
  return withBreaks(machine, () => {
    if (!statement.once) head(env);
    let end: Env | undefined = env;
    // Twice, so that what one turn leaves behind is seen by the next.
    for (let turn = 0; turn < (machine.way.has(statement) ? 1 : 2) && end !== undefined; turn += 1) {
      machine.continues.push(undefined);
      const once: Env | undefined = runStatement(statement.body, fork(end, machine), machine);
      const again: Env | undefined = joinEnvs(once, machine.continues.pop());
      if (again !== undefined) head(again);
      end = turn === 0 ? again : joinEnvs(end, again);
    }
    return joinEnvs(before, end);
  });
}

/** The possible results of a command at the routine's end; undefined where they are not known. */
export function resultsOf(outcomes: readonly Env[], command: string): Value {
  let results: Value = [];
  for (const env of outcomes) results = joinValues(results, env.get(`${command}.result`));
  return results;
}
