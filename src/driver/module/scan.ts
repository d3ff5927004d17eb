import { type ElfFile, readElf, x86Mode } from '../../elf/elf.ts';
import { type ElfFunction, functionsOf } from '../../elf/functions.ts';
import { modinfo, modinfoField, moduleName } from '../../elf/module-data.ts';
import { instructionText } from '../../elf/x86/text.ts';
import type { Evidence, Verdict } from '../verdict.ts';
import { type Graph, graphOf } from './graph.ts';
import {
  completionRoutine,
  DID_BUS_BUSY,
  elsewhere,
  landmarks,
  plausibleSize,
  resultOffset,
} from './routine.ts';
import { type Budget, searchHostByte } from './search.ts';

export type ModuleVerdict = 'affected' | 'branch-absent' | 'unknown' | 'not-this-driver';

/** What a compiled module shows, from its own bytes alone. */
export interface ModuleScan {
  readonly verdict: ModuleVerdict;
  readonly file: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly vermagic: string | undefined;
  readonly srcversion: string | undefined;
  /** As `uname -m` spells it; i386 for i486, i586 and i686 too. */
  readonly machine: string;
  /** The function that was judged. */
  readonly functionName: string | undefined;
  /** Where the branch, or the variant in its place, makes its result. */
  readonly hits: readonly ModuleHit[];
  /** The vendor's host byte that asks for a requeue, where it has replaced the branch. */
  readonly requeueHostByte: number | undefined;
  /** One line for a person. */
  readonly detail: string;
}

export interface ModuleHit {
  readonly functionName: string;
  /** Bytes from the function's start. */
  readonly offset: number;
  /** AT&T syntax, such as `movl $0x20008,0x120(%r13)`. */
  readonly text: string;
}

type Judgement = Pick<ModuleScan, 'verdict' | 'detail'> &
  Partial<Pick<ModuleScan, 'functionName' | 'hits' | 'requeueHostByte'>>;

/**
 * Judges one uncompressed module. Anything unclear (another architecture, no symbols, code that cannot be decoded)
 * is `unknown` with the reason. Throws E_CANNOT_DECIDE for a file that is no relocatable ELF file.
 * @param file for messages, and for the module's name where 2.4's modules do not hold it
 */
export function scanModule(module: ElfFile | Uint8Array, file: string): ModuleScan {
  const elf = module instanceof Uint8Array ? readElf(module) : module;
  const info = modinfo(elf);
  const name = moduleName(elf) ?? /([^/]+?)\.k?o(?:\.\w+)?$/.exec(file)?.[1]?.replaceAll('-', '_');
  const judgement = judge(elf, name);
  return {
    file,
    name,
    version: modinfoField(info, 'version'),
    vermagic: modinfoField(info, 'vermagic'),
    srcversion: modinfoField(info, 'srcversion'),
    machine: elf.machineName,
    functionName: undefined,
    hits: [],
    requeueHostByte: undefined,
    ...judgement,
  };
}

function judge(elf: ElfFile, name: string | undefined): Judgement {
  const functions = functionsOf(elf);
  const pieces = completionRoutine(functions);
  const [first] = pieces;
  if (first === undefined) return withoutRoutine(elf, functions, name);
  const functionName = (pieces.find((piece) => !piece.name.includes('.')) ?? first).name;
  return { functionName, ...judgeRoutine(elf, pieces, functionName) };
}

function unknown(detail: string): Judgement {
  return { verdict: 'unknown', detail };
}

function judgeRoutine(elf: ElfFile, pieces: readonly ElfFunction[], functionName: string): Judgement {
  const mode = x86Mode(elf);
  if (mode === undefined)
    return unknown(`mptfix cannot judge code for ${elf.machineName}: give the driver's source`);
  if (!plausibleSize(pieces)) return unknown(`${functionName} has an impossible size`);
  const graph = graphOf(elf, pieces, mode);
  if (typeof graph === 'string') return unknown(`the code cannot be decoded: ${graph}`);
  const place = resultOffset(graph);
  const budget = { traces: 256 };
  const busy = searchHostByte(graph, DID_BUS_BUSY, place, budget);
  if (busy.hits.length > 0) {
    const hits = hitsOf(graph, busy.hits);
    const [hit] = hits;
    const more = hits.length > 1 ? `, and ${hits.length - 1} more` : '';
    const detail = `${hit?.functionName}+0x${hit?.offset.toString(16)} makes DID_BUS_BUSY of a BUSY: ${hit?.text}${more}`;
    return { verdict: 'affected', hits, detail };
  }
  const [doubt] = busy.unclear;
  if (doubt !== undefined) {
    const [at] = hitsOf(graph, [doubt.step]);
    return unknown(`${at?.functionName}+0x${at?.offset.toString(16)}: ${at?.text}: ${doubt.why}`);
  }
  if (landmarks(graph) < 3)
    return unknown(`${functionName} does not give the results that a completion routine gives`);
  const others = elsewhere(elf, pieces, graph.mode);
  if (others === undefined) return unknown('the module has more code than this driver ever had');
  if (others.length > 0) return unknown(`0x20008 is used in ${others.join(', ')}, not in ${functionName}`);
  return judgeVariant(graph, place, functionName, budget);
}

/** A vendor's variant gives BUSY another host byte. Those from DID_IMM_RETRY (0x0c) up ask for a requeue. */
function judgeVariant(
  graph: Graph,
  place: number | undefined,
  functionName: string,
  budget: Budget,
): Judgement {
  for (let host = 1; host <= 0x1f; host++) {
    const steps = searchHostByte(graph, host << 16, place, budget).hits;
    if (steps.length === 0) continue;
    const hits = hitsOf(graph, steps);
    const byte = `0x${host.toString(16).padStart(2, '0')}`;
    if (host >= 0x0c) {
      const detail = `BUSY becomes host byte ${byte}, a vendor's requeue variant, in place of the branch`;
      return { verdict: 'branch-absent', hits, requeueHostByte: host, detail };
    }
    return { ...unknown(`BUSY becomes host byte ${byte}, no known variant`), hits };
  }
  const detail = `no store of 0x20008 or the like in ${functionName}: the branch was removed or never there`;
  return { verdict: 'branch-absent', detail };
}

function hitsOf(graph: Graph, steps: readonly number[]): readonly ModuleHit[] {
  return steps.flatMap((id) => {
    const step = graph.steps[id];
    if (step === undefined) return [];
    const text = instructionText(step.instruction, graph.mode);
    return [{ functionName: step.piece.name, offset: step.instruction.offset, text }];
  });
}

/** The modules that hold the routine: mptscsih since 2.4, mptscsi in RHEL 4. */
const HOLDERS = ['mptscsih', 'mptscsi'];

function withoutRoutine(
  elf: ElfFile,
  functions: readonly ElfFunction[],
  name: string | undefined,
): Judgement {
  const user = elf.symbols.some(
    (symbol) => symbol.section === 'undefined' && /^mptscsih?_io_done$/.test(symbol.name),
  );
  if (user || name === undefined || !HOLDERS.includes(name)) {
    const why = user
      ? 'only calls the routine in question: judge mptscsih.ko (RHEL 4: mptscsi.ko)'
      : 'is not the LSI Fusion MPT SCSI host driver';
    return { verdict: 'not-this-driver', detail: `${name ?? 'this module'} ${why}` };
  }
  if (functions.length === 0)
    return unknown('it has no symbols of functions, so that the routine cannot be found');
  return unknown(`${name} has no mptscsih_io_done: RHEL 4 has it in mptscsi.ko and leaves mptscsih.ko empty`);
}

/**
 * A module cannot show whether the branch was removed or was never there: both are `fixed`, and the detail says so. A
 * module of another driver decides nothing about this one.
 */
const VERDICTS: Readonly<Record<ModuleVerdict, Verdict>> = {
  affected: 'affected',
  'branch-absent': 'fixed',
  unknown: 'unknown',
  'not-this-driver': 'unknown',
};

/** A module's scan as one piece of evidence for a verdict. */
export function verdictOfModuleScan(scan: ModuleScan): Evidence {
  const version = scan.version === undefined ? '' : ` (version ${scan.version})`;
  return {
    kind: 'module',
    verdict: VERDICTS[scan.verdict],
    detail: `${scan.name ?? 'module'}${version}: ${scan.detail}`,
    file: scan.file,
  };
}
