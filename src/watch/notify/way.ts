import type { Target } from '../../machine/port.ts';
import { CONFIG_FILE, type NotifyConfig } from './config.ts';

/**
 * Why no notice could reach a person now, for a person; undefined: there is a way. Whether a relay or webhook answers is
 * for `watch test-mail` to find out.
 * @param guest where the watch runs: a tree's programs are its own
 */
export async function whyNoWay(
  guest: Pick<Target, 'stat'>,
  { to, smtp, sendmail, webhook }: NotifyConfig,
): Promise<string | undefined> {
  if (webhook !== undefined) return undefined;
  if (to.length === 0) return 'nobody would be told of an alarm: neither an address nor a webhook is named';
  if (smtp !== undefined) return undefined;
  if (sendmail !== false && (await guest.stat(sendmail).catch(() => undefined)) !== undefined)
    return undefined;
  const missing = sendmail === false ? 'sendmail is switched off' : `there is no ${sendmail}`;
  return `nobody would be told of an alarm: ${missing}, and ${CONFIG_FILE} names neither a relay nor a webhook`;
}
