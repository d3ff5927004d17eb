import { resolve } from 'node:path';
import { type Assessment, assess } from '../../assess/assess.ts';
import type { FileJudgement } from '../../assess/judge-file.ts';
import type { Verdict } from '../../driver/verdict.ts';
import { failure } from '../../errors.ts';
import { allReleases } from '../../guest/kernels.ts';
import { defined } from '../../optional.ts';
import { printResult } from '../../ui/output.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, openTarget } from '../shared/options.ts';
import { eachRoot, lookAtEach, type SeveralLooks, type WithRoots } from '../shared/several.ts';
import type { CheckResult } from './document.ts';
import { nextForFile, nextForGuest } from './next.ts';
import { checkBelow, checkCells, checkPage } from './page.ts';

export interface CheckOptions extends CommonOptions {
  readonly source?: string;
  readonly module?: string;
  readonly allKernels: boolean;
}

const STATUS: Readonly<Record<Verdict, number>> = {
  affected: 10,
  unknown: 11,
  fixed: 0,
  never: 0,
  absent: 0,
};

/**
 * `mptfix check`: the verdict with its evidence. Needs no root, no network, and writes nothing: of a run that was
 * interrupted it says so.
 */
export async function check(options: WithRoots<CheckOptions>, signal: AbortSignal): Promise<number> {
  if (options.source !== undefined || options.module !== undefined) {
    const judgement = await judgeOne(options, signal);
    const result = fileResult(judgement);
    printResult(options, result, checkPage(result, { name: judgement.file, notes: judgement.notes }));
    return STATUS[result.verdict];
  }
  const guests = eachRoot(options);
  const [first, ...others] = guests;
  if (options.allKernels || first === undefined || others.length > 0)
    return checkEach(options, guests, signal);
  const target = openTarget(first, true);
  await reportInterrupted(first);
  const assessment = await assess(target, first.kernel);
  const result = guestResult(assessment);
  printResult(options, result, checkPage(result, { name: target.name, notes: notes(assessment) }));
  return STATUS[result.verdict];
}

/** Several guests, or several kernels: a row each. */
async function checkEach(
  options: WithRoots<CheckOptions>,
  guests: readonly CheckOptions[],
  signal: AbortSignal,
): Promise<number> {
  if (options.allKernels && options.kernel !== undefined)
    throw failure('E_USAGE', '--all-kernels and --kernel exclude each other', 'give one of them');
  const looks: SeveralLooks<CheckOptions, CheckResult, 'mptfix.checks/1'> = {
    schema: 'mptfix.checks/1',
    guests: options.allKernels ? (await Promise.all(guests.map(eachKernel))).flat() : guests,
    heads: ['verdict', 'kernel', 'driver'],
    look: async (guest) => {
      await reportInterrupted(guest);
      const output = guestResult(await assess(openTarget(guest, true), guest.kernel));
      return {
        output,
        exitStatus: STATUS[output.verdict],
        cells: checkCells(output),
        below: checkBelow(guest, output),
      };
    },
  };
  return lookAtEach(looks, options, signal);
}

/** The same guest once for each kernel. One that has none, or that cannot be looked at, is left for a row with its error. */
async function eachKernel(guest: CheckOptions): Promise<readonly CheckOptions[]> {
  try {
    const kernels = await allReleases(openTarget(guest, true));
    return kernels.length === 0 ? [guest] : kernels.map((kernel) => ({ ...guest, kernel }));
  } catch {
    return [guest];
  }
}

async function judgeOne(
  options: Pick<CheckOptions, 'source' | 'module'>,
  signal: AbortSignal,
): Promise<FileJudgement> {
  const { source, module } = options;
  // Guests are looked at far more often, and need neither the archives nor the C scanner.
  const { judgeModule, judgeSource } = await import('../../assess/judge-file.ts');
  if (source !== undefined && module === undefined) {
    const { unprivileged } = await import('../../work/users.ts');
    return judgeSource(resolve(source), { signal, ...defined({ user: await unprivileged() }) });
  }
  if (module !== undefined && source === undefined) return judgeModule(resolve(module));
  throw failure('E_USAGE', '--source and --module judge one file each', 'run check twice, once with each');
}

function fileResult(judgement: FileJudgement): CheckResult {
  const { evidence, version, module, how } = judgement;
  return {
    schema: 'mptfix.check/1',
    verdict: evidence.verdict,
    ...defined({ how }),
    driver: { file: evidence.file ?? null, version, module, inUse: null },
    kernel: null,
    evidence: [evidence],
    ...defined({ next: nextForFile(judgement) }),
    kb: null,
  };
}

function guestResult(assessment: Assessment): CheckResult {
  const { verdict, evidence, facts, driver, kb, survival, how } = assessment;
  return {
    schema: 'mptfix.check/1',
    verdict,
    ...defined({ how }),
    driver: {
      file: facts.module?.path ?? null,
      version: driver.version,
      module: facts.module?.name ?? null,
      inUse: facts.use.inUse,
    },
    kernel: { release: facts.kernel.release, base: facts.kernel.base ?? null, distro: facts.distro.pretty },
    evidence,
    ...defined({ disagreement: assessment.disagreement, next: nextForGuest(assessment) }),
    kb: { id: kb.id, covered: kb.covered, ...defined({ vendorFix: kb.vendorFix }) },
    ...(typeof survival?.now === 'number' ? { survivalWindowSeconds: survival.now } : {}),
  };
}

function notes({ caveats, survival, verdict }: Assessment): readonly string[] {
  const after = survival?.afterFix;
  const all = [...caveats];
  if (after === 'unbounded') all.push('without the branch I/O waits for as long as the storage is BUSY');
  if (typeof after === 'number' && verdict === 'affected') {
    all.push(
      `without the branch I/O outlasts ${after} s of BUSY (${survival?.rule}): minutes instead of an instant, but not for ever`,
    );
  }
  return all;
}
