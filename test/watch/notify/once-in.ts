// Run by Node itself: one look of the watch in a folder that stands for this machine's /.

import { notifier } from '../../../src/commands/watch/once.ts';
import { watchResult } from '../../../src/commands/watch/result.ts';
import { isFailure } from '../../../src/errors.ts';
import { treeTarget } from '../../../src/machine/tree.ts';
import { watchOnce } from '../../../src/watch/once.ts';

const [root = '', ...to] = process.argv.slice(2);
const target = treeTarget('local', root, 'this machine', { dryRun: false });
try {
  const options = { json: true, verbose: false, ...(to.length === 0 ? {} : { to }) };
  const done = await watchOnce(target, { probe: false, notify: await notifier(target, options) });
  const result = watchResult(target.name, done);
  process.stdout.write(JSON.stringify(result));
  process.exitCode = result.result === 'alarm' ? 10 : 0;
} catch (error) {
  if (!isFailure(error)) throw error;
  process.stderr.write(error.failure.code);
  process.exitCode = 1;
}
