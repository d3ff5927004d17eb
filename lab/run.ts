// npm run lab: a guest's kernel and driver in a virtual machine whose disk answers BUSY for a while, as a SAN does
// while a path fails over; first with the affected driver, then with the one that mptfix makes of it.
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { failure, isFailure } from '../src/errors.ts';
import { packageRoot } from '../src/package-root.ts';
import { watchSignals } from '../src/signals.ts';
import { localTarget } from '../src/target/local.ts';
import { installCommand, requireTools } from '../src/target/tools.ts';
import { DEFAULT_WORK_BASE, openWorkspace, type Workspace } from '../src/target/workspace.ts';
import { sayFailure } from '../src/ui/failure.ts';
import { say } from '../src/ui/output.ts';
import { runTrial, type Trial, type TrialSettings } from './trial.ts';

const TOOLS = [
  { name: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  { name: 'tgtd', package: 'tgt' },
  { name: 'busybox', package: 'busybox' },
  { name: 'cpio', package: 'cpio' },
  { name: 'mkfs.ext4', package: 'e2fsprogs' },
  { name: 'setpriv', package: 'util-linux' },
];
/** Where QEMU looks for its iSCSI driver, which Debian packs apart. */
const QEMU_MODULES = ['/usr/lib/x86_64-linux-gnu/qemu', '/usr/lib/aarch64-linux-gnu/qemu', '/usr/lib/qemu'];

/** Whatever happens, the lab ends: ten times what it takes. */
const LIMIT_MINUTES = 30;
const SETTINGS = { writes: 40, busyAfter: 5, busySeconds: 15, limitSeconds: 300 };

/** What of `mptfix demo --keep --json` is needed. */
interface Demo {
  readonly kernel: { readonly release: string; readonly packageVersion: string };
  readonly guest: string;
  readonly source: string;
}

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({
    options: {
      demo: { type: 'string' },
      work: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  await requireAll();
  const workspace = await openWorkspace(values.work ?? DEFAULT_WORK_BASE);
  // The demo compiles as a user of its own, who must get through.
  await chmod(workspace.folder, 0o711);
  try {
    const demo = await demoTree(workspace, values.demo, signal);
    say('building the patched driver: mptfix build');
    const patched = await patchedDriver(workspace, demo, signal);
    const guest: Omit<TrialSettings, 'driver'> = {
      guest: demo.guest,
      release: demo.kernel.release,
      ...SETTINGS,
    };
    say(`booting the affected driver; BUSY for ${SETTINGS.busySeconds} s`);
    const affected = await runTrial(workspace.machine, workspace.at('affected-vm'), guest, signal);
    say(`booting the patched driver; BUSY for ${SETTINGS.busySeconds} s`);
    const cured = await runTrial(
      workspace.machine,
      workspace.at('patched-vm'),
      { ...guest, driver: patched },
      signal,
    );
    process.stdout.write(page(demo, affected, cured));
    const shown = isFailed(affected) && isWell(cured);
    process.stdout.write(
      `${shown ? 'The failure and the cure were both seen.' : 'NOT as expected: see the consoles with --keep.'}\n`,
    );
    if (values.keep) say(`kept: ${affected.consoleLog} ${cured.consoleLog}`);
    return shown ? 0 : 1;
  } finally {
    if (!values.keep) await workspace.dispose();
  }
}

async function requireAll(): Promise<void> {
  const machine = localTarget({ dryRun: true });
  await requireTools(machine, TOOLS);
  const folders = await Promise.all(QEMU_MODULES.map((folder) => machine.list(folder)));
  if (!folders.flat().includes('block-iscsi.so')) {
    const tool = { name: 'block-iscsi.so', package: 'qemu-block-extra' };
    throw failure('E_TOOLS_MISSING', 'QEMU cannot read iSCSI here', installCommand([tool]));
  }
  if (process.geteuid?.() !== 0)
    throw failure('E_NOT_ROOT', 'tgtd runs as root only', 'run the lab as root (sudo)');
}

async function demoTree(workspace: Workspace, kept: string | undefined, signal: AbortSignal): Promise<Demo> {
  if (kept !== undefined) return JSON.parse(await readFile(kept, 'utf8')) as Demo;
  say('making a guest’s tree with an affected driver: mptfix demo (a minute or two)');
  const base = workspace.at('demo');
  await workspace.machine.mkdir(base, 0o755);
  const out = await mptfix(workspace, ['demo', '--keep', '--json', '--work', base], signal);
  return JSON.parse(out) as Demo;
}

async function patchedDriver(workspace: Workspace, demo: Demo, signal: AbortSignal): Promise<string> {
  const output = workspace.at('output');
  const argv = [
    'build',
    '--root',
    demo.guest,
    '--source',
    demo.source,
    '--output',
    output,
    '--no-cache',
    '--json',
  ];
  const { module } = JSON.parse(await mptfix(workspace, argv, signal)) as { module: { file: string } };
  return module.file;
}

async function mptfix(workspace: Workspace, args: readonly string[], signal: AbortSignal): Promise<string> {
  const bin = join(packageRoot(), 'bin', 'mptfix.cjs');
  const result = await workspace.machine.run([process.execPath, bin, ...args], { effect: 'write', signal });
  signal.throwIfAborted();
  if (result.status !== 0)
    throw new Error(`mptfix ${args[0]} ended with ${result.status}:\n${result.stderr}`);
  return result.stdout.toString('utf8');
}

function isFailed(trial: Trial): boolean {
  const failed = trial.readOnly && trial.lost > 0 && trial.ioErrors > 0;
  return trial.ended && trial.failed.length === 0 && failed && sawIt(trial, 10, 1);
}

/** Both watches found all well before, and after it what they should: a kernel of 6.1 leaves `rw` in the mount table. */
function sawIt({ watches }: Trial, node: number, sh: number): boolean {
  const { before, after, 'sh-before': shBefore, 'sh-after': shAfter } = watches;
  return before === 0 && shBefore === 0 && after === node && shAfter === sh;
}

function isWell(trial: Trial): boolean {
  const { ended, failed, written, lost, ioErrors, readOnly } = trial;
  const isWhole = written === SETTINGS.writes && lost + ioErrors === 0 && !readOnly;
  return ended && failed.length === 0 && isWhole && sawIt(trial, 0, 0);
}

function page(demo: Demo, affected: Trial, cured: Trial): string {
  const row = (name: string, trial: Trial): string =>
    `| ${name} | ${trial.srcversion} | ${trial.busyAnswers} | ${trial.written} of ${SETTINGS.writes} | ${trial.ioErrors} | ${trial.readOnly ? 'read-only' : 'read-write'} | ${trial.watches.after} / ${trial.watches['sh-after']} | ${trial.seconds.toFixed(0)} s |`;
  return [
    '',
    `${affected.kernel} (${demo.kernel.packageVersion}), mptsas on QEMU’s SAS1068, ext4 with errors=remount-ro, a write and`,
    `fsync a second; after write ${SETTINGS.busyAfter} the disk answers BUSY for ${SETTINGS.busySeconds} s. The distro’s kernel is fixed: the affected driver is`,
    'built from a copy of its source with the branch reintroduced.',
    '',
    '| driver | srcversion | BUSY answers | writes done | I/O errors | file system | watch once / sh | run |',
    '|---|---|---|---|---|---|---|---|',
    row('affected', affected),
    row('patched by mptfix', cured),
    '',
    `After the failure the mount table said: ${affected.mountLine}`,
    '',
  ].join('\n');
}

const signals = watchSignals();
try {
  const late = AbortSignal.timeout(LIMIT_MINUTES * 60_000);
  process.exitCode = await main(AbortSignal.any([signals.signal, late]));
} catch (error) {
  if (signals.signal.aborted) process.exitCode = 128 + signals.number();
  else if (isFailure(error)) {
    sayFailure(error.failure, false, undefined);
    process.exitCode = 3;
  } else throw error;
} finally {
  signals.stop();
}
