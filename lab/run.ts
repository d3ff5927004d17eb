// npm run lab [-- PART…]: what can only be seen on a whole machine, in virtual machines with a real guest's kernel and
// driver. Installs missing packages, as root on Debian or Ubuntu.
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installMissing } from '../scripts/install-missing.ts';
import { watchSignals } from '../src/cli/signals.ts';
import { failure, isFailure } from '../src/errors.ts';
import { packageRoot } from '../src/package-root.ts';
import { sayFailure } from '../src/ui/failure.ts';
import { say } from '../src/ui/output.ts';
import { DEFAULT_WORK_BASE, openWorkspace, type Workspace } from '../src/work/workspace.ts';
import { failurePart } from './failure/part.ts';
import type { Demo, Lab, Part } from './part.ts';
import { systemdPart } from './systemd/part.ts';

const PARTS: Readonly<Record<string, Part>> = { failure: failurePart, systemd: systemdPart };

/** The lab ends after this, whatever happens; it usually needs a fraction of it. */
const LIMIT_MINUTES = 60;

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      demo: { type: 'string' },
      work: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const parts = chosen(positionals);
  if (process.geteuid?.() !== 0)
    throw failure('E_NOT_ROOT', 'the lab needs root to serve its disks', 'run it as root: sudo npm run lab');
  if (
    !installMissing(
      parts.flatMap(({ needs }) => needs),
      'the lab’s machines',
    )
  )
    return 3;
  const workspace = await openWorkspace(values.work ?? DEFAULT_WORK_BASE);
  // The demo compiles as a user of its own, who must be able to enter.
  await chmod(workspace.folder, 0o711);
  const lab = openLab(workspace, values.demo, signal);
  let allAsExpected = true;
  try {
    for (const part of parts) {
      say(part.title);
      const { page, asExpected } = await part.run(lab);
      process.stdout.write(`\n${page}\n\n${asExpected ? 'As expected.' : 'NOT as expected.'}\n`);
      allAsExpected &&= asExpected;
    }
    return allAsExpected ? 0 : 1;
  } finally {
    if (values.keep) say(`kept: ${workspace.folder}`);
    else await workspace.dispose();
  }
}

function chosen(names: readonly string[]): readonly Part[] {
  return (names.length === 0 ? Object.keys(PARTS) : names).map((name) => {
    const part = PARTS[name];
    if (part === undefined)
      throw failure(
        'E_USAGE',
        `the lab has no part named ${name}`,
        `its parts are: ${Object.keys(PARTS).join(', ')}`,
      );
    return part;
  });
}

function openLab(workspace: Workspace, kept: string | undefined, signal: AbortSignal): Lab {
  const mptfix = async (args: readonly string[]): Promise<string> => {
    const bin = join(packageRoot(), 'bin', 'mptfix.cjs');
    const result = await workspace.machine.run([process.execPath, bin, ...args], { effect: 'write', signal });
    signal.throwIfAborted();
    if (result.status !== 0)
      throw new Error(`mptfix ${args[0]} ended with status ${result.status}:\n${result.stderr}`);
    return result.stdout.toString('utf8');
  };
  const makeDemo = async (): Promise<Demo> => {
    if (kept !== undefined) return JSON.parse(await readFile(kept, 'utf8')) as Demo;
    say('building a guest’s tree with an affected driver: mptfix demo (a minute or two)');
    const base = workspace.at('demo');
    await workspace.machine.mkdir(base, 0o755);
    return JSON.parse(await mptfix(['demo', '--keep', '--json', '--work', base])) as Demo;
  };
  let demo: Promise<Demo> | undefined;
  const demoOnce = (): Promise<Demo> => {
    demo ??= makeDemo();
    return demo;
  };
  return { workspace, mptfix, signal, demo: demoOnce };
}

const signals = watchSignals();
try {
  const late = AbortSignal.timeout(LIMIT_MINUTES * 60_000);
  process.exitCode = await main(AbortSignal.any([signals.signal, late]));
} catch (error) {
  if (signals.signal.aborted) process.exitCode = signals.status();
  else if (isFailure(error)) {
    sayFailure(error.failure, false, undefined);
    process.exitCode = 3;
  } else throw error;
} finally {
  signals.stop();
}
