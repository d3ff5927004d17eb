// npm run lab [-- PART…]: what can only be seen on a whole machine, in virtual machines with a real guest's kernel and
// driver. Installs missing packages, as root on Debian or Ubuntu.
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installMissing } from '../scripts/install-missing.ts';
import { watchSignals } from '../src/cli/signals.ts';
import { failure, isFailure } from '../src/errors.ts';
import { packageRoot } from '../src/package-root.ts';
import { sayFailure } from '../src/ui/failure.ts';
import { say } from '../src/ui/output.ts';
import { DEFAULT_WORK_BASE, openWorkspace, type Workspace } from '../src/work/workspace.ts';
import { readCommandLine } from './command-line.ts';
import type { Demo, Lab } from './part.ts';
import { PARTS } from './parts.ts';

/** A part ends after this, whatever happens, if it names no limit of its own; most need a fraction of it. */
const LIMIT_MINUTES = 60;

async function main(signal: AbortSignal): Promise<number> {
  const { parts, demo, work, keep, options } = readCommandLine(process.argv.slice(2), PARTS);
  if (parts.some(({ needsRoot }) => needsRoot !== false) && process.geteuid?.() !== 0)
    throw failure('E_NOT_ROOT', 'the lab needs root to serve its disks', 'run it as root: sudo npm run lab');
  if (
    !installMissing(
      parts.flatMap(({ needs }) => needs),
      'the lab’s machines',
    )
  )
    return 3;
  const base = work ?? DEFAULT_WORK_BASE;
  const workspace = await openWorkspace(base);
  // The demo compiles as a user of its own, who must be able to enter.
  await chmod(workspace.folder, 0o711);
  const demoOnce = demoMaker(workspace, demo);
  let allAsExpected = true;
  try {
    for (const part of parts) {
      const late = AbortSignal.timeout((part.limitMinutes ?? LIMIT_MINUTES) * 60_000);
      const lab = openLab(base, workspace, demoOnce, AbortSignal.any([signal, late]));
      say(part.title);
      const { page, asExpected } = await part.run(lab, options);
      process.stdout.write(`\n${page}\n\n${asExpected ? 'As expected.' : 'NOT as expected.'}\n`);
      allAsExpected &&= asExpected;
    }
    return allAsExpected ? 0 : 1;
  } finally {
    if (keep) {
      // Its lock would keep this process alive.
      await workspace.keep();
      say(`kept: ${workspace.folder}`);
    } else await workspace.dispose();
  }
}

type RunMptfix = Lab['mptfix'];

function openLab(
  base: string,
  workspace: Workspace,
  demo: (mptfix: RunMptfix) => Promise<Demo>,
  signal: AbortSignal,
): Lab {
  const mptfix = async (args: readonly string[]): Promise<string> => {
    const bin = join(packageRoot(), 'bin', 'mptfix.cjs');
    // What writes runs in a PID namespace, and mptfix needs a /proc of that for its sandbox.
    const argv = ['unshare', '--mount-proc', '--', process.execPath, bin, ...args] as const;
    const result = await workspace.machine.run(argv, { effect: 'write', signal });
    signal.throwIfAborted();
    if (result.status !== 0) {
      const why = /^mptfix: (E_.*)$/m.exec(result.stderr)?.[1] ?? '';
      throw new Error(`mptfix ${args[0]} ended with status ${result.status}: ${why}\n${result.stderr}`);
    }
    return result.stdout.toString('utf8');
  };
  return { base, workspace, mptfix, signal, demo: () => demo(mptfix) };
}

/** All parts share one demo. */
function demoMaker(workspace: Workspace, kept: string | undefined): (mptfix: RunMptfix) => Promise<Demo> {
  const make = async (mptfix: RunMptfix): Promise<Demo> => {
    if (kept !== undefined) return JSON.parse(await readFile(kept, 'utf8')) as Demo;
    say('building a guest’s tree with an affected driver: mptfix demo (a minute or two)');
    const base = workspace.at('demo');
    await workspace.machine.mkdir(base, 0o755);
    return JSON.parse(await mptfix(['demo', '--keep', '--json', '--work', base])) as Demo;
  };
  let demo: Promise<Demo> | undefined;
  return (mptfix) => {
    demo ??= make(mptfix);
    return demo;
  };
}

const signals = watchSignals();
try {
  process.exitCode = await main(signals.signal);
} catch (error) {
  if (signals.signal.aborted) process.exitCode = signals.status();
  else if (isFailure(error)) {
    sayFailure(error.failure, false, undefined);
    process.exitCode = 3;
  } else throw error;
} finally {
  signals.stop();
}
