import { Listr, ListrLogger, PRESET_TIMER, ProcessOutput } from 'listr2';
import { atDeath } from '../interruption.ts';
import type { Progress, Step } from '../progress.ts';
import { shownHere } from './ascii.ts';
import { columnsOf, isPlain, shown, size, type View } from './output.ts';
import { printable, printablePage } from './printable.ts';

/** Columns that a live list needs to be read. */
const NARROWEST = 40;
/** The list hides the cursor while it is drawn: a signal that ends the run at once must not leave it so. */
const SHOW_CURSOR = '\u001b[?25h';
/** Off a terminal a line at most this often tells how far a long step is. */
const PLAIN_INTERVAL_MS = 5000;

/**
 * Runs the steps one after the other and draws them on stderr: a live list on a terminal, else plain lines.
 * listr2 is the view only: what has to be undone is the steps' own matter.
 */
export async function runSteps(steps: readonly Step[], view: View): Promise<void> {
  // A terminal that does not know its width (a serial console, script) cannot be drawn on.
  const live = !isPlain(process.stderr) && (columnsOf(process.stderr) ?? 0) >= NARROWEST && !view.verbose;
  const stream = live ? process.stderr : plainStream();
  const logger = new ListrLogger({ useIcons: live, processOutput: new ProcessOutput(stream, stream) });
  let failed: { readonly error: unknown } | undefined;
  const tasks = new Listr(
    steps.map(({ title, run }) => ({
      title: shownHere(printable(title)),
      task: async (_context: object, task: { title: string; output: string }) => {
        const progress = live ? liveProgress(task) : plainProgress(task, view.verbose);
        try {
          const result = await run(progress);
          if (result !== undefined) task.title = shownHere(printable(`${title}: ${result}`));
        } catch (error) {
          // listr2 prints the message itself, as it is.
          failed = { error };
          throw new Error(shownHere(printable(error instanceof Error ? error.message : String(error))));
        }
      },
    })),
    {
      concurrent: false,
      exitOnError: true,
      // Signals are the command's: it has to put things back first.
      registerSignalListeners: false,
      renderer: live ? 'default' : 'simple',
      rendererOptions: { logger, timer: PRESET_TIMER, collapseErrors: false, showErrorMessage: false },
    } as ConstructorParameters<typeof Listr<object, 'default' | 'simple'>>[1],
  );
  const forget = atDeath(() => void (live && process.stderr.write(SHOW_CURSOR)));
  try {
    await tasks.run({});
  } catch (error) {
    throw failed === undefined ? error : failed.error;
  } finally {
    forget();
  }
}

/** stderr, to which lines are written as `say` writes them. */
function plainStream(): NodeJS.WriteStream {
  const write = (text: string | Uint8Array): boolean =>
    process.stderr.write(shown(String(text), process.stderr));
  return Object.create(process.stderr, { write: { value: write } });
}

function liveProgress(task: { output: string }): Progress {
  return {
    note: (text) => {
      task.output = shownHere(printablePage(text));
    },
    bytes: (done, total) => {
      task.output = amount(done, total);
    },
  };
}

function plainProgress(task: { output: string }, verbose: boolean): Progress {
  let last = Date.now();
  return {
    note: (text) => {
      if (verbose) task.output = shownHere(printablePage(text));
    },
    bytes: (done, total) => {
      if (Date.now() - last < PLAIN_INTERVAL_MS) return;
      last = Date.now();
      task.output = amount(done, total);
    },
  };
}

function amount(done: number, total: number | undefined): string {
  return total === undefined || total === 0
    ? size(done)
    : `${size(done)} of ${size(total)} (${Math.min(100, Math.floor((100 * done) / total))} %)`;
}
