import { failure } from '../../errors.ts';
import { columns, printResult } from '../../ui/output.ts';
import { channelsOf } from '../../watch/notify/channels.ts';
import { type Delivery, deliver } from '../../watch/notify/deliver.ts';
import type { Notice } from '../../watch/notify/notice.ts';
import { hostName } from '../../watch/notify/tell.ts';
import { openTarget } from '../shared/options.ts';
import { notifyConfig, requireAddresses, type WatchOptions } from './options.ts';

/** What `watch test-mail --json` prints. */
export interface TestMailResult extends Delivery {
  readonly schema: 'mptfix.watch-test/1';
  readonly to: readonly string[];
}

/** `mptfix watch test-mail`: says by which channel somebody would be told, and what the ones before it said. */
export async function testMail(options: WatchOptions): Promise<number> {
  requireAddresses(options.to);
  const target = openTarget(options, false);
  const config = await notifyConfig(target, options);
  if (config.to.length === 0 && config.webhook === undefined) {
    throw failure(
      'E_USAGE',
      'nobody is named who would be told',
      'give an address: mptfix watch test-mail --to admin@example.org, or name one in /etc/mptfix.json',
    );
  }
  const notice: Notice = {
    schema: 'mptfix.notice/1',
    event: 'test',
    host: await hostName(target),
    time: new Date().toISOString(),
    fileSystems: [],
    cause: '',
    advice: [],
    kernelLines: [],
  };
  const delivery = await deliver(channelsOf(target, config), notice, config.timeLimitSeconds);
  const result: TestMailResult = { schema: 'mptfix.watch-test/1', to: config.to, ...delivery };
  const tried = delivery.errors.map(({ channel, reason }) => `${channel}: ${reason}`);
  if (delivery.by === null || delivery.by === 'kernel-log') {
    throw failure(
      'E_NOT_TOLD',
      `no channel to a person took the test: ${tried.join('; ')}`,
      'correct the relay, sendmail or webhook in /etc/mptfix.json, then run it again',
    );
  }
  const rows = [['taken by', delivery.by] as const, ...tried.map((text) => ['not by', text] as const)];
  printResult(options, result, columns(rows));
  return 0;
}
