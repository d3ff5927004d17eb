import { join } from 'node:path';
import { ARCHITECTURES, type Architecture } from '../../architectures.ts';
import { kernelCompiler } from '../../build/compiler.ts';
import { MACHINE } from '../../build/toolchain/toolchain.ts';
import { affectedSource, type DemoTree, plantAffectedModule, unpackGuest } from '../../demo/guest-tree.ts';
import { fetchKernel, type KernelPackages } from '../../demo/packages.ts';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Argv } from '../../machine/program.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';
import { packageRoot } from '../../package-root.ts';
import { firstStep } from '../../progress.ts';
import { print, printResult, say, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { runSteps } from '../../ui/steps.ts';
import { openWorkspace, type Workspace } from '../../work/workspace.ts';
import { workBase } from '../shared/build-options.ts';
import { installMissingTools } from '../shared/install-tools.ts';
import type { CommonOptions } from '../shared/options.ts';
import type { DemoResult } from './document.ts';

export interface DemoOptions extends Pick<CommonOptions, 'json' | 'verbose'> {
  readonly work?: string;
  readonly keep: boolean;
  readonly arch: Architecture['name'];
  readonly installTools: boolean;
}

/** What each command of the demo must end with. */
const COMMANDS: readonly { readonly words: readonly string[]; readonly status: number }[] = [
  { words: ['check'], status: 10 },
  { words: ['plan'], status: 0 },
  { words: ['apply', '--yes', '--no-cache'], status: 0 },
  { words: ['check'], status: 0 },
  { words: ['status'], status: 0 },
  { words: ['rollback', '--yes'], status: 0 },
  { words: ['check'], status: 10 },
];

const WANTS_SOURCE = new Set(['plan', 'apply']);

/** `mptfix demo`: the whole pipeline on a private guest's tree made from the distro's real packages. */
export async function demo(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const architecture = requireArchitecture(options.arch);
  await tools(options, signal);
  const workspace = await openWorkspace(workBase(options));
  let done = false;
  try {
    const { tree, kernel } = await makeTree(workspace, architecture, options, signal);
    if (!options.json) introduce(kernel, tree);
    const commands = await runCommands(tree, workspace, options, signal);
    const result: DemoResult = {
      schema: 'mptfix.demo/1',
      kernel: {
        release: kernel.release,
        packageVersion: kernel.version,
        architecture: architecture.name,
      },
      guest: tree.guest,
      source: tree.source,
      distroModule: tree.distroModule,
      kept: options.keep,
      commands,
    };
    done = true;
    printResult(options, result, closing(result));
    return 0;
  } finally {
    if (done && options.keep) await workspace.keep();
    else await workspace.dispose();
  }
}

async function tools(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const machine = localTarget({ dryRun: true });
  if (options.installTools) await installMissingTools(signal);
  else await requireTools(machine, [TOOLS.make, TOOLS.strip, TOOLS.xz, TOOLS.depmod, TOOLS.flock]);
  await requireTools(machine, [TOOLS.aptGet, TOOLS.dpkgDeb]);
}

function requireArchitecture(wanted: string): Architecture {
  const found = ARCHITECTURES.find(({ name }) => name === wanted);
  if (found?.machines.includes(process.arch) === true) return found;
  throw failure(
    'E_ARCH_UNSUPPORTED',
    `the demo builds a module of ${wanted}, and the compiler of this machine (${process.arch}) makes none`,
    'run it on an x86-64 machine',
  );
}

async function makeTree(
  workspace: Workspace,
  architecture: Architecture,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<{ readonly tree: DemoTree; readonly kernel: KernelPackages }> {
  const { steps, result } = firstStep(
    'Fetch the newest kernel with its headers and source',
    async (progress) => {
      const kernel = await fetchKernel(workspace, architecture, progress, signal);
      return { value: kernel, text: `${kernel.release} ${kernel.version}` };
    },
  )
    .next('Create a private guest tree from them', async (kernel) => {
      const guest = await unpackGuest(workspace, kernel, signal);
      return { value: { kernel, guest }, text: guest };
    })
    .next('Reintroduce the branch in a copy of the source', async ({ kernel, guest }, progress) => {
      const source = await affectedSource(workspace, kernel.tarball, progress, signal);
      return { value: { kernel, guest, source }, text: source.folder };
    })
    .next('Build the guest’s module from it', async ({ kernel, guest, source }, progress) => {
      const { release } = kernel;
      await requireCompiler(join(guest, 'usr/src', `linux-headers-${release}`), options, signal);
      const module = await plantAffectedModule(rootTarget(guest, { dryRun: false }), {
        workspace,
        release,
        architecture,
        toolchain: MACHINE,
        files: source.files,
        progress,
        signal,
      });
      const tree = { guest, source: source.folder, release, ...module };
      return { value: { tree, kernel }, text: module.modulePath };
    });
  await runSteps(steps, options);
  return result;
}

/** The compiler's name is known only when the headers are there. */
async function requireCompiler(headers: string, options: DemoOptions, signal: AbortSignal): Promise<void> {
  const machine = localTarget({ dryRun: true });
  const config = (await machine.readText(join(headers, '.config'), LIMITS.textBytes)) ?? '';
  const compiler = kernelCompiler(config);
  if (options.installTools) await installMissingTools(signal, [compiler]);
  else await requireTools(machine, [compiler]);
}

function introduce(kernel: KernelPackages, tree: DemoTree): void {
  print(
    [
      '',
      `This is a demonstration. ${kernel.release} (${kernel.version}) is fixed as the distro ships it, as every kernel`,
      'since 2.6.22 is. So the branch was REINTRODUCED in a copy of its source, and the module of the private guest',
      `tree ${tree.guest}`,
      'was built from that copy. Everything else is real: packages, compiler, module, index. Nothing outside the work',
      'folder is touched.',
      '',
      '',
    ].join('\n'),
  );
}

/** Runs the commands as a person would type them, each in a process of its own. */
async function runCommands(
  tree: DemoTree,
  workspace: Workspace,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<DemoResult['commands']> {
  const commands: { command: string; status: number; output: unknown }[] = [];
  for (const { words, status } of COMMANDS) {
    const [verb = '', ...flags] = words;
    const source = WANTS_SOURCE.has(verb) ? ['--source', tree.source] : [];
    const argv = [verb, '--root', tree.guest, ...source, ...flags];
    const command = `mptfix ${argv.join(' ')}`;
    if (!options.json) print(style('bold', `$ ${command}`));
    const json = options.json ? ['--json'] : [];
    const bin = join(packageRoot(), 'bin', 'mptfix.cjs');
    const program = [process.execPath, bin, ...argv, ...json] as const;
    const result = await workspace.machine.run(withItsOwnProc(program), {
      effect: 'write',
      signal,
      onLine: options.json ? undefined : (line) => print(printable(line)),
    });
    signal.throwIfAborted();
    if (!options.json) print(`${style('dim', `(exit status ${result.status})`)}\n\n`);
    if (result.status !== status) {
      say(result.stderr);
      throw failure(
        'E_INTERNAL',
        `${command} ended with ${result.status} instead of ${status}`,
        'run the demo with --keep and --verbose, and report it',
      );
    }
    const output: unknown = options.json ? JSON.parse(result.stdout.toString('utf8')) : null;
    commands.push({ command, status: result.status, output });
  }
  return commands;
}

/**
 * On root's leash a program is in a PID namespace of its own. mptfix and bubblewrap look processes up by number, and must
 * not find another namespace's in /proc.
 */
function withItsOwnProc(program: Argv): Argv {
  return process.geteuid?.() === 0 ? ['unshare', '--mount-proc', '--', ...program] : program;
}

function closing(result: DemoResult): string {
  const kept = `The guest tree is in ${result.guest}, its source in ${result.source}; remove the work folder when you are done.`;
  return result.kept ? kept : 'The work folder was removed; give --keep to keep the guest tree.';
}
