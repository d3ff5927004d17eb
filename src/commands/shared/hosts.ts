import { lookingAt, whereabouts } from '../../typed.ts';
import { say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { goingOn } from './on-guest.ts';
import { type CommonOptions, openHost } from './options.ts';
import { lookAtEach } from './several.ts';

/** Of a command that changes guests over ssh. */
export type HostsOptions<Options extends CommonOptions> = Omit<Options, 'host'> & {
  readonly host: readonly string[];
  readonly failFast: boolean;
};

/** The same for one guest. */
export type OneHost<Options extends CommonOptions> = Omit<HostsOptions<Options>, 'host'> & {
  readonly host: string;
};

interface HostsAction<Guest, Output, Schema extends string> {
  /** Of the document with the results of several. */
  readonly schema: Schema;
  readonly guests: readonly Guest[];
  readonly failFast: boolean;
  readonly act: (guest: Guest) => Promise<Output>;
  readonly cells: (output: Output) => readonly [result: string, kernel: string, generation: string];
  /** Prints the result of a guest that is alone; answers the exit status. */
  readonly show: (view: View, output: Output) => number;
}

type View = Pick<CommonOptions, 'json' | 'verbose'>;

/**
 * Changes one guest after the other, with a summary where they are several. Each name is looked at before anything is done to
 * the first: throws E_USAGE for one that ssh could take for something else. Answers the exit status.
 */
export async function actOnHosts<
  Guest extends CommonOptions & { readonly host: string },
  Output,
  Schema extends string,
>(
  { schema, guests, failFast, act, cells, show }: HostsAction<Guest, Output, Schema>,
  view: View,
  signal: AbortSignal,
): Promise<number> {
  for (const guest of guests) openHost(guest, true);
  const [first, ...others] = guests;
  if (first !== undefined && others.length === 0)
    return show(view, await lookingAt(whereabouts(first), () => goingOn(() => act(first))));
  const look = async (guest: Guest) => {
    say(printable(`${guest.host}:`));
    const output = await goingOn(() => act(guest));
    return { output, exitStatus: 0, cells: cells(output) };
  };
  const heads = ['result', 'kernel', 'generation'];
  return lookAtEach({ schema, guests, heads, look, failFast }, view, signal);
}
