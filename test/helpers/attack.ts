import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { MODULE } from './buildable-guest.ts';
import { mptfix, type Run, type RunSettings } from './cli.ts';
import { type HostileTree, hostileTree, type Trap } from './hostile-tree.ts';
import { openVictim, type Victim } from './victim.ts';

export interface Attacked {
  readonly run: Run;
  /** What of the host is not as it was: the first lines that are new, and with a minus those that are gone. */
  readonly harm: readonly string[];
}

/** A build, and where its work folder was made and its module is. */
export interface AttackedBuild extends Attacked {
  readonly work: string;
  readonly module: string;
}

/** A host for the tests of one file, and commands that are run on hostile trees beside it. */
export interface Range {
  readonly victim: () => Victim;
  readonly tree: (...traps: readonly Trap[]) => HostileTree;
  /** Runs mptfix and answers what it did to the host. */
  readonly attack: (args: readonly string[], settings?: RunSettings) => Promise<Attacked>;
  /** Builds the tree's module from its own source and headers; without `cache` none is there. */
  readonly build: (tree: HostileTree, words?: readonly string[], cache?: string) => Promise<AttackedBuild>;
}

export function range(): Range {
  let victim: Victim | undefined;
  let builds = 0;
  const opened = (): Victim => {
    if (victim === undefined) throw new Error('the tests have not begun');
    return victim;
  };
  const attack: Range['attack'] = async (args, settings) => {
    const before = opened().state();
    const prefix = [...opened().prefix, ...(settings?.prefix ?? [])];
    const run = await mptfix(args, { ...settings, prefix });
    const after = opened().state();
    const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
    const harm = [...gone, ...after.filter((line) => !before.includes(line))];
    return { run, harm: harm.slice(0, 12) };
  };
  beforeAll(async () => {
    victim = await openVictim();
  });
  afterAll(async () => victim?.dispose());
  return {
    victim: opened,
    tree: (...traps) => hostileTree(opened(), traps),
    attack,
    build: async ({ root, source }, words = [], cache) => {
      builds += 1;
      const work = join(opened().base, 'work');
      const output = join(opened().base, `out-${builds}`);
      mkdirSync(work, { recursive: true });
      const where = ['--root', root, '--source', source, '--offline', '--work', work, '--output', output];
      const env = cache === undefined ? {} : { XDG_CACHE_HOME: cache };
      const attacked = await attack(['build', ...where, ...words], { env });
      return { ...attacked, work, module: join(output, basename(MODULE)) };
    },
  };
}
