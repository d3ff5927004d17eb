import { statusOfStop } from '../../interruption.ts';
import { say } from '../../ui/output.ts';
import { printable, printableJson } from '../../ui/printable.ts';
import { stdoutReaderGone } from '../../ui/readers.ts';
import { type Change, follow as followGuest } from '../../watch/follow.ts';
import { openTarget } from '../shared/options.ts';
import { notifier } from './once.ts';
import { checkedOptions, type WatchOptions } from './options.ts';
import { watchChange } from './result.ts';

/**
 * `mptfix watch follow`: a line for each change, within a second, until a signal, whose status it then has. With `--json`
 * each is a document. It ends as well (0) when nobody reads its lines any more, unless it notifies somebody.
 */
export async function follow(given: WatchOptions, signal: AbortSignal): Promise<number> {
  const options = checkedOptions(given);
  const target = openTarget(options, false);
  const notify = await notifier(target, options);
  const notes = new Set<string>();
  await followGuest(target, {
    probe: false,
    notify,
    signal: notify === undefined ? AbortSignal.any([signal, stdoutReaderGone()]) : signal,
    onChange: (change) =>
      process.stdout.write(`${options.json ? printableJson(watchChange(change)) : line(change)}\n`),
    onNotes: ({ notes: all, problem }) => {
      const said =
        problem === undefined ? all : [...all, `${problem.code}: ${problem.what}; ${problem.next}`];
      for (const note of said) if (!notes.has(note) && notes.size < 100) say(printable(`note: ${note}`));
      for (const note of said) notes.add(note);
    },
  });
  return statusOfStop(signal);
}

function line({ finding, before }: Change): string {
  const { fileSystem, state, evidence } = finding;
  const from = before === undefined ? '' : `${before} -> `;
  const why = evidence[0] === undefined ? '' : `: ${evidence[0].detail}`;
  return printable(`${new Date().toISOString()} ${fileSystem.mountPoint} ${from}${state}${why}`, 500);
}
