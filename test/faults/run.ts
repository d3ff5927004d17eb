/**
 * A process of its own that installs or rolls back with a fault at one effect, to be killed or to meet a full, read-only
 * or forbidden file system: node run.ts '{"root":…,"act":…}'. Prints what came of it as JSON.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isFailure } from '../../src/errors.ts';
import { initramfsImages } from '../../src/initramfs/tools.ts';
import { install } from '../../src/install/install.ts';
import { planRollback, rollback } from '../../src/install/rollback.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { ARTIFACT } from './artifact.ts';
import { faultyTarget } from './faulty-target.ts';
import { finishOpen } from './finish-open.ts';

export interface FaultyRun {
  readonly root: string;
  readonly act: 'install' | 'rollback' | 'settle';
  readonly release: string;
  readonly modulePath: string;
  /** Whether the initramfs images are rebuilt. */
  readonly images: boolean;
  /** File with the new module. */
  readonly newModule: string;
  readonly at: number;
  /** Shell script that changes the file system beneath, `$1` the tree; else the process is killed. */
  readonly before?: string;
  readonly killBefore?: boolean;
  readonly killAfter?: boolean;
}

export interface FaultyResult {
  readonly code: string | null;
  readonly what: string | null;
  readonly effects: readonly string[];
  readonly settled: readonly string[];
}

async function act(target: Target, run: FaultyRun): Promise<readonly string[]> {
  if (run.act === 'install') {
    const bytes = readFileSync(run.newModule);
    const images = run.images ? (await initramfsImages(target, run.release)).images : [];
    await install(target, {
      kernel: { release: run.release, base: '6.1', distro: 'Debian', packageVersion: null },
      module: {
        name: 'mptscsih',
        path: run.modulePath,
        sha256: await target.hash(run.modulePath, LIMITS.moduleBytes),
      },
      bytes,
      placement: 'in-place',
      images: images.flatMap(({ path, tool }) => (tool === undefined ? [] : [{ path, tool }])),
      bootEntry: false,
      artifact: ARTIFACT,
      buildLog: 'none\n',
      tool: 'mptfix test',
      warnings: [],
      progress: silentProgress,
    });
    return [];
  }
  if (run.act === 'settle')
    return (await finishOpen(target)).map(({ generation, how }) => `${generation} ${how}`);
  const plan = await planRollback(target, { kernel: run.release, to: 0, force: false });
  for (const generation of plan.undo) await rollback(target, generation);
  return [];
}

const run: FaultyRun = JSON.parse(process.argv[2] ?? '');
const die = (): void => void process.kill(process.pid, 'SIGKILL');
const { target, effects } = faultyTarget(rootTarget(run.root, { dryRun: false }), {
  at: run.at,
  ...(run.killBefore === true ? { before: die } : {}),
  ...(run.killAfter === true ? { after: die } : {}),
  ...(run.before === undefined
    ? {}
    : {
        before: () =>
          void execFileSync('sh', ['-ec', run.before ?? '', 'sh', run.root], { stdio: 'inherit' }),
      }),
});
let code: string | null = null;
let what: string | null = null;
let settled: readonly string[] = [];
try {
  settled = await act(target, run);
} catch (error) {
  code = isFailure(error) ? error.failure.code : 'E_INTERNAL';
  what = error instanceof Error ? (error.stack ?? error.message) : String(error);
}
process.stdout.write(JSON.stringify({ code, what, effects, settled } satisfies FaultyResult));
