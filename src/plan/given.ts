import * as v from 'valibot';
import { type BuildOptions, isRemote } from '../build-options.ts';
import { failure } from '../errors.ts';
import type { Origin } from '../kernel-source/provider.ts';
import type { TargetReads } from '../machine/port.ts';
import { typed } from '../typed.ts';
import { type Plan, planSchema } from './document.ts';
import type { PlanRequest } from './plan.ts';

const PLAN_FILE = ' > plan.json';

/** Reads what `plan --json` has printed. Throws E_USAGE, with the first thing that is wrong. */
export function parsePlan(text: string, name: string): Plan {
  const plan = v.safeParse(planSchema, documentIn(text, name), { abortEarly: true });
  if (plan.success) return plan.output;
  const [issue] = plan.issues;
  const field = v.getDotPath(issue);
  throw notAPlan(name, `${field === null ? '' : `${field}: `}${issue.message}`);
}

function documentIn(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notAPlan(name, `it is not one JSON document: ${(error as Error).message}`);
  }
}

/** The error for a file that no plan can be read from. */
export function notAPlan(name: string, why: string): Error {
  return failure(
    'E_USAGE',
    `${name} is not a plan that this mptfix can apply: ${why}`,
    `make one with ${typed('plan', ['--json'], { tail: PLAN_FILE })}`,
  );
}

/** The request that the plan was made for: the same one again must give the same plan. */
export function requestOf({ kernel, source, headers, build, ...plan }: Plan): PlanRequest {
  return {
    kernel: kernel.release,
    build: {
      source: localPath(source),
      headers: localPath(headers),
      ...build,
      config: build.config ?? undefined,
      symvers: build.symvers ?? undefined,
      toolchain: build.toolchain ?? undefined,
      sign: build.sign ?? undefined,
    },
    install: { placement: plan.placement, initramfs: plan.initramfs, bootEntry: plan.bootEntry },
  };
}

function localPath(origin: Origin | null): string | undefined {
  return origin?.kind === 'local' ? origin.path : undefined;
}

/** Throws E_PLAN_STALE, naming every difference, where the guest would now be planned for in another way. */
export async function requireUnchanged(
  given: Plan,
  now: Plan,
  machine: Pick<TargetReads, 'stat'>,
): Promise<void> {
  const gone = given.needed ? await missingFiles(requestOf(given).build, machine) : [];
  const changes = [...gone, ...planDifferences(given, now)];
  if (changes.length === 0) return;
  throw failure(
    'E_PLAN_STALE',
    `the plan no longer holds for ${given.target}: ${changes.join('; ')}; nothing was changed`,
    `make a new plan with ${typed('plan', ['--json'], { tail: PLAN_FILE })}, read it, and apply that one`,
  );
}

async function missingFiles(
  { source, headers, config, symvers, toolchain, sign, mirrors, mirrorKeys }: BuildOptions,
  machine: Pick<TargetReads, 'stat'>,
): Promise<readonly string[]> {
  const tree = toolchain?.startsWith('/') === true ? toolchain : undefined;
  const signing = { key: sign?.key, certificate: sign?.certificate };
  const files = { source, headers, config, symvers, toolchain: tree, ...signing };
  const folders = mirrors.filter((mirror) => !isRemote(mirror)).map((path) => ['mirror', path] as const);
  const keys = mirrorKeys.map((path) => ['mirror key', path] as const);
  const missing: string[] = [];
  for (const [name, path] of [...Object.entries(files), ...folders, ...keys]) {
    if (path !== undefined && (await machine.stat(path)) === undefined)
      missing.push(`${name} ${path} is no longer there`);
  }
  return missing;
}

/**
 * What differs between an earlier plan and one of now, a line a field; empty where they say the same. Images are compared
 * by their path, whatever their order. Steps follow from all else: they are named where nothing else differs.
 */
export function planDifferences(before: Plan, now: Plan): readonly string[] {
  const { images: imagesBefore, steps: stepsBefore, ...factsBefore } = before;
  const { images, steps, ...facts } = now;
  const causes = [
    ...differences('', factsBefore, facts),
    ...differences('image ', byPath(imagesBefore), byPath(images)),
  ];
  return causes.length > 0 ? causes : differences('steps', stepsBefore, steps);
}

function byPath(images: Plan['images']): Readonly<Record<string, object>> {
  return Object.fromEntries(images.map(({ path, ...rest }) => [path, rest]));
}

function differences(place: string, before: unknown, now: unknown): readonly string[] {
  if (isTree(before) && isTree(now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...keys].flatMap((key) => differences(inside(place, key), before[key], now[key]));
  }
  if (before === now) return [];
  if (before === undefined) return [`${place} is new: ${shown(now)}`];
  if (now === undefined) return [`${place} is gone: it was ${shown(before)}`];
  return [`${place} was ${shown(before)}, is ${shown(now)}`];
}

/** An object or a list: its fields are compared one by one. */
function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function inside(place: string, key: string): string {
  return place === '' || place.endsWith(' ') ? `${place}${key}` : `${place}.${key}`;
}

/** Values of a plan are short, but for texts of people. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
