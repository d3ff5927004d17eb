import { buildFolder, buildSandbox, readBuilt, watchDisk } from './build-sandbox.ts';
import { type Compiled, type CompileOptions, type Files, layOut, withRules } from './compile.ts';
import { firstError } from './first-error.ts';
import { isSameCommand, type KbuildCommand, kbuildListener, recordedCommand } from './kbuild-commands.ts';
import { MODULE_LABEL, type Order, orderFor } from './order.ts';
import { requireRecipe } from './recipes.ts';
import { type Linker, recordedText, scriptOf } from './replay-script.ts';
import { runTool } from './toolchain/toolchain.ts';

interface ReplayOptions extends Omit<CompileOptions, 'kbuild'> {
  /** The driver of which the module is made. */
  readonly files: Promise<Files>;
  readonly linker: Linker;
}

/** A module that is made by the commands of another's kbuild, while that goes on. */
export interface Replay {
  /** kbuild makes the other module in this folder of the workspace. */
  kbuildIn(folder: string): void;
  /** Takes each line of kbuild's output as it comes. */
  hear(line: string): void;
  /** kbuild says no more. */
  kbuildEnded(): void;
  /** The module; or, in words, why it cannot be made so. Rejects with what kept the driver from coming, or the signal's reason. */
  result(): Promise<Compiled | string>;
}

/** Where the sandbox has the folder of kbuild's own module, read-only. */
const KBUILD = '/build/kbuild';

/**
 * What kbuild's own programs ask for beside their arguments: kbuild exports it. On both architectures of a guest it is x86
 * wherever a program asks. Source: "SRCARCH variable not defined" of tools/objtool in 6.12; the top Makefile exports it.
 */
const EXPORTED = { SRCARCH: 'x86' } as const;

/**
 * Makes a module by the commands that kbuild says while it makes another of the same folder: compiler, modpost and linker
 * run once more, in a sandbox with the same sight and at the same path, and make does not. At the end these must be the
 * commands that kbuild has recorded in its `.cmd` files.
 */
export function startReplay(options: ReplayOptions): Replay {
  const kbuild = Promise.withResolvers<string | undefined>();
  const lines = lineQueue();
  const running = replay(options, kbuild.promise, lines);
  running.catch(() => {});
  return {
    kbuildIn: kbuild.resolve,
    hear: lines.put,
    kbuildEnded: () => {
      kbuild.resolve(undefined);
      lines.end();
    },
    result: () => running,
  };
}

async function replay(
  options: ReplayOptions,
  kbuild: Promise<string | undefined>,
  lines: AsyncIterable<string>,
): Promise<Compiled | string> {
  const { workspace, headers, toolchain, module, signal } = options;
  const recipe = requireRecipe(headers.version);
  const from = await kbuild;
  if (from === undefined) return 'kbuild did not run';
  const folder = buildFolder(await workspace.userFolder(options.label), MODULE_LABEL);
  const order = await orderFor(options, recipe, folder);
  const commands: KbuildCommand[] = [];
  const said: string[] = [];
  const stopper = new AbortController();
  const disk = watchDisk(workspace, folder, order.maxBytes, (reason) => stopper.abort(reason));
  const laidOut = options.files.then((files) =>
    layOut(workspace, folder, '.', withRules(options, recipe, files)),
  );
  laidOut.catch(() => {});
  const sandbox = buildSandbox(
    [{ from: folder.from, to: order.seenAt }],
    [...order.readOnly, { from, to: KBUILD }],
  );
  const script = scriptOf(
    { ...options, kbuild: KBUILD, seenAt: order.seenAt, folder: headers.folder },
    heard(lines, order, module, commands),
    laidOut,
  );
  const { status, stdout } = await runTool(toolchain, workspace, ['sh'], sandbox, {
    env: { ...EXPORTED, TMPDIR: order.seenAt, HOME: order.seenAt },
    inputComes: script,
    onLine: (line) => said.push(line),
    signal: AbortSignal.any([signal, stopper.signal]),
  }).finally(() => disk.end());
  stopper.signal.throwIfAborted();
  signal.throwIfAborted();
  await laidOut;
  const why = refusal(commands, { status, said, output: stdout.toString('utf8') });
  if (why !== undefined) return why;
  const bytes = await readBuilt(workspace, folder, `${module}.ko`, 'module');
  if (bytes === undefined) return 'its commands made no module';
  const replayed = commands.map(({ text }) => text);
  return { bytes, log: `${replayed.join('\n')}\n${said.join('\n')}\n`, command: order.command, replayed };
}

/** The commands among the lines, which are kept, up to the one that links. */
async function* heard(
  lines: AsyncIterable<string>,
  { seenAt, called }: Order,
  module: string,
  kept: KbuildCommand[],
): AsyncGenerator<KbuildCommand> {
  const commandOf = kbuildListener({ module, folders: [...new Set([seenAt, called])] });
  for await (const line of lines) {
    const command = commandOf(line);
    if (command === undefined) continue;
    kept.push(command);
    yield command;
    if (command.step === 'link') return;
  }
}

/** Why what the commands have made does not count; undefined where it does. */
function refusal(
  commands: readonly KbuildCommand[],
  {
    status,
    said,
    output,
  }: { readonly status: number; readonly said: readonly string[]; readonly output: string },
): string | undefined {
  const steps = commands.map(({ step }) => step);
  if (steps.length === 0) return 'kbuild did not say its commands';
  if (status !== 0) return `its commands ended with status ${status}: ${firstError(said)}`;
  for (const step of ['compile', 'describe', 'link'] as const) {
    const count = steps.filter((one) => one === step).length;
    if (count !== 1) return `kbuild said ${count} commands to ${step} the module`;
  }
  const recorded = recordedText(output).map(recordedCommand);
  for (const step of ['compile', 'compile other'] as const) {
    const texts = commands.filter((one) => one.step === step).map(({ text }) => text);
    const isRecorded = texts.some((text) =>
      recorded.some((other) => other !== undefined && isSameCommand(text, other)),
    );
    if (!isRecorded) return `kbuild has recorded another command to ${step} than it said`;
  }
  return undefined;
}

interface LineQueue extends AsyncIterable<string> {
  put(line: string): void;
  end(): void;
}

function lineQueue(): LineQueue {
  const waiting: string[] = [];
  let isOver = false;
  let wake = (): void => {};
  return {
    put: (line) => {
      waiting.push(line);
      wake();
    },
    end: () => {
      isOver = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const line = waiting.shift();
        if (line !== undefined) yield line;
        else if (isOver) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
