import { scanModule, verdictOfModuleScan } from '../driver/module/scan.ts';
import { type SurvivalWindow, survivalWindow } from '../driver/survival.ts';
import { type KbAnswer, kbEvidence, kbFor } from '../driver/tables/kb.ts';
import { type FixedHow, MPTSCSI, MPTSCSIH } from '../driver/tables/kernel-row.ts';
import { type KernelTableEvidence, kernelTableVerdict } from '../driver/tables/kernels.ts';
import type { Evidence, Verdict } from '../driver/verdict.ts';
import { type Distro, readDistro } from '../guest/distro.ts';
import { type DriverUse, driverInUse } from '../guest/in-use.ts';
import { type KernelFacts, kernelFacts } from '../guest/kernel.ts';
import { type ModuleFile, moduleFile, readModule } from '../guest/module-file.ts';
import { type OutsideModules, outsideModules } from '../guest/outside-modules.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';
import { disagreement } from './explain.ts';
import { foreseeFacts, foreseeKernel } from './foresee.ts';

/** What was read of a guest; nothing is decided yet. */
export interface Facts {
  readonly target: { readonly kind: Target['kind']; readonly name: string };
  readonly distro: Distro;
  readonly kernel: KernelFacts;
  /** Absent where the kernel has no such module: it has no such driver, has it built in, or nothing tells. */
  readonly module?: ModuleFile;
  /** Where the driver is, if not in a module. */
  readonly outside?: OutsideModules;
  readonly builtIn: boolean;
  readonly use: DriverUse;
}

/** The answer for a guest, with every reason for it. */
export interface Assessment {
  readonly verdict: Verdict;
  /** With `fixed`, where it is known. */
  readonly how: FixedHow | undefined;
  readonly evidence: readonly Evidence[];
  readonly facts: Facts;
  readonly driver: { readonly version: string | null };
  readonly kb: KbAnswer;
  readonly survival: SurvivalWindow | undefined;
  /** Why the module and the table say different things. */
  readonly disagreement?: string | undefined;
  /** What a person should know beside the verdict. */
  readonly caveats: readonly string[];
}

/** sd's default, where the guest does not tell its own. Source: SD_TIMEOUT of drivers/scsi/sd.h, 30 seconds. */
const SD_TIMEOUT_SECONDS = 30;

/** Reads the guest and decides. A file outranks a table; where they disagree, both stay in the evidence. */
export async function assess(target: Target, kernel: string | undefined): Promise<Assessment> {
  const facts = await gatherFacts(target, kernel);
  const table = tableEvidence(facts.distro, facts.kernel);
  const scanned = await moduleEvidence(target, facts);
  const kb = kbFor(question(facts.distro, facts.kernel));
  const verdict = decide(facts, scanned?.evidence, table);
  return {
    verdict,
    how: verdict === 'fixed' ? (scanned?.how ?? table.how) : undefined,
    evidence: [
      ...(scanned === undefined ? [] : [scanned.evidence]),
      ...outsideEvidence(facts, table),
      tidy(table),
      kbEvidence(kb),
    ],
    facts,
    driver: { version: scanned?.version ?? null },
    kb,
    survival: survival(facts, verdict),
    disagreement: disagreement(scanned?.evidence, table, facts.kernel.release),
    caveats: caveats(facts, verdict === 'absent' ? [] : table.caveats),
  };
}

/** Reads all that a verdict and a plan need. Needs no root on a usual guest, and writes nothing. */
export async function gatherFacts(target: Target, release: string | undefined): Promise<Facts> {
  foreseeFacts(target, release);
  const distro = await readDistro(target);
  const kernel = await kernelFacts(target, release);
  if (release === undefined) foreseeKernel(target, kernel.release);
  const module = await moduleFile(target, kernel.release, MODULE_NAMES);
  const outside = module === undefined ? await outsideModules(target, kernel, MODULE_NAMES) : undefined;
  return {
    target: { kind: target.kind, name: target.name },
    distro,
    kernel,
    ...defined({ module, outside }),
    builtIn: outside?.place === 'built-in',
    use: await driverInUse(target),
  };
}

/**
 * The names that the driver may have, in the order in which they are looked for. RHEL 4 and what is built from it have the code
 * in mptscsi from Update 3 on, beside a dummy of the usual name: whatever the tables know of a kernel, where the first is there,
 * it is the driver.
 */
const MODULE_NAMES = [MPTSCSI.module, MPTSCSIH.module];

function question(distro: Distro, kernel: KernelFacts): Parameters<typeof kernelTableVerdict>[0] {
  return {
    distro,
    release: kernel.release,
    ...defined({ base: kernel.base, packageVersion: kernel.packageVersion }),
  };
}

function tableEvidence(distro: Distro, kernel: KernelFacts): KernelTableEvidence {
  return kernelTableVerdict(question(distro, kernel));
}

/** The contract's fields only; the rest of a row is in its detail. */
function tidy({ kind, verdict, detail }: Evidence): Evidence {
  return { kind, verdict, detail };
}

interface ScannedModule {
  readonly evidence: Evidence;
  readonly how: FixedHow | undefined;
  readonly version: string | null;
}

async function moduleEvidence(target: Target, { module }: Facts): Promise<ScannedModule | undefined> {
  if (module === undefined) return undefined;
  const { bytes } = await readModule(target, module.path);
  const scan = scanModule(bytes, module.path);
  return {
    evidence: verdictOfModuleScan(scan),
    how: scan.requeueHostByte === undefined ? undefined : 'requeue',
    version: scan.version ?? null,
  };
}

/** What the kernel's own files say where no module was found: what is absent was looked for. */
function outsideEvidence(facts: Facts, table: Evidence): readonly Evidence[] {
  const { outside } = facts;
  if (outside === undefined) return [];
  const { detail, file } = outside;
  const runs = isRunningWithout(facts) ? '; the running kernel has loaded the driver all the same' : '';
  return [
    {
      kind: 'kernel-files',
      verdict: withoutModule(facts, table),
      detail: `${detail}${runs}`,
      ...defined({ file }),
    },
  ];
}

/** The running kernel has the driver in memory, and no file of it was found: it came from an initramfs, or is built in. */
function isRunningWithout({ kernel, use }: Facts): boolean {
  return kernel.running === true && (use.inUse === true || use.loaded === true);
}

function withoutModule(facts: Facts, table: Evidence): Verdict {
  if (facts.builtIn || isRunningWithout(facts)) return table.verdict;
  return facts.outside?.place === 'nowhere' ? 'absent' : 'unknown';
}

function decide(facts: Facts, module: Evidence | undefined, table: Evidence): Verdict {
  if (module === undefined) return withoutModule(facts, table);
  // The module alone cannot tell "removed" from "never there"; the table can.
  if (module.verdict === 'fixed' && table.verdict === 'never') return 'never';
  return module.verdict === 'unknown' ? table.verdict : module.verdict;
}

function survival({ kernel, use }: Facts, verdict: Verdict): SurvivalWindow | undefined {
  if (kernel.base === undefined || verdict === 'absent') return undefined;
  const timeouts = use.disks.map(({ timeoutSeconds }) => timeoutSeconds ?? SD_TIMEOUT_SECONDS);
  const timeoutSeconds = Math.min(...(timeouts.length === 0 ? [SD_TIMEOUT_SECONDS] : timeouts));
  return survivalWindow({ base: kernel.base, verdict, timeoutSeconds });
}

/** `ofTable`: those of a driver that is there. */
function caveats({ module, builtIn, use }: Facts, ofTable: readonly string[]): readonly string[] {
  const all = [...ofTable];
  if (module !== undefined && module.candidates.length > 1) {
    all.push(`there are ${module.candidates.length} files of that name: ${module.candidates.join(', ')}`);
  }
  if (module === undefined && builtIn)
    all.push('the driver is built into the kernel: no module can replace it');
  if (use.inUse === false) all.push('no disk uses this driver here');
  return all;
}
