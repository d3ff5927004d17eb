import { failure } from '../../errors.ts';
import { typed } from '../../typed.ts';
import { columns, printResult } from '../../ui/output.ts';
import type { TestMailResult } from '../../watch/document.ts';
import { machineOf } from '../../watch/machine-of.ts';
import { channelsOf, deliver } from '../../watch/notify/channels.ts';
import { hostName, noticeOf } from '../../watch/notify/notice.ts';
import { openTarget } from '../shared/options.ts';
import { checkedOptions, notifyConfig, requireReader, type WatchOptions } from './options.ts';

/** `mptfix watch test-mail`: says which channel would notify somebody, and why the ones before it did not. */
export async function testMail(given: WatchOptions): Promise<number> {
  const options = checkedOptions(given);
  const target = openTarget(options, false);
  const config = await notifyConfig(target, options);
  requireReader(
    config,
    `give an address: ${typed('watch test-mail', ['--to', 'admin@example.org'])}, or name one in /etc/mptfix.json`,
  );
  const notice = noticeOf('test', [], { host: await hostName(target), now: Date.now(), lines: [] });
  const delivery = await deliver(channelsOf(machineOf(target), config), notice, config.timeLimitSeconds);
  const result: TestMailResult = { schema: 'mptfix.watch-test/1', to: config.to, ...delivery };
  const tried = delivery.errors.map(({ channel, reason }) => `${channel}: ${reason}`);
  if (delivery.by === null || delivery.by === 'kernel-log') {
    throw failure(
      'E_NOT_TOLD',
      `no notification channel accepted the test: ${tried.join('; ')}`,
      'correct the relay, sendmail or webhook in /etc/mptfix.json, then run the test again',
    );
  }
  const rows = [['taken by', delivery.by] as const, ...tried.map((text) => ['not by', text] as const)];
  printResult(options, result, columns(rows));
  return 0;
}
