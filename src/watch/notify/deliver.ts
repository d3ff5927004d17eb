import { cleanText } from '../../guest/clean-text.ts';
import type { Channel, ChannelName } from './channels.ts';
import type { Notice } from './notice.ts';

export interface Delivery {
  /** The channel that took it; null: none did. */
  readonly by: ChannelName | null;
  /** What the channels before it said. */
  readonly errors: readonly { readonly channel: ChannelName; readonly reason: string }[];
}

/** Tries one channel after the other, each for its time at most, until one takes the notice. Never rejects. */
export async function deliver(
  channels: readonly Channel[],
  notice: Notice,
  timeLimitSeconds: number,
): Promise<Delivery> {
  const errors: { channel: ChannelName; reason: string }[] = [];
  for (const { name, send } of channels) {
    const reason = await withinTime((signal) => send(notice, signal), timeLimitSeconds);
    if (reason === undefined) return { by: name, errors };
    errors.push({ channel: name, reason: cleanText(reason, 400) });
  }
  return { by: null, errors };
}

/** Undefined: done. Else why not. */
async function withinTime(
  step: (signal: AbortSignal) => Promise<void>,
  seconds: number,
): Promise<string | undefined> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not answer within ${seconds} s`), seconds * 1000 + 500);
  });
  const done = step(controller.signal).then(
    () => undefined,
    (error: unknown) => reasonOf(error),
  );
  const reason = await Promise.race([done, late]);
  clearTimeout(timer);
  controller.abort();
  return reason;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== ''
    ? `${error.message}: ${error.cause.message}`
    : error.message;
}
