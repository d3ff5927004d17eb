// Run by Node itself: one look of the watch in a folder that stands for this machine's /.

import { lookAndTell } from '../../../src/commands/watch/once.ts';
import { isFailure } from '../../../src/errors.ts';
import { treeTarget } from '../../../src/machine/tree.ts';

const [root = '', ...words] = process.argv.slice(2);
const to = words.filter((word) => !word.startsWith('--'));
const isPlugin = words.includes('--nagios');
const target = treeTarget('local', root, 'this machine', { dryRun: false });
try {
  const options = {
    json: !words.includes('--page') && !isPlugin,
    verbose: false,
    nagios: isPlugin,
    probe: false,
  };
  process.exitCode = await lookAndTell(target, { ...options, ...(to.length === 0 ? {} : { to }) });
} catch (error) {
  if (!isFailure(error)) throw error;
  process.stderr.write(error.failure.code);
  process.exitCode = 1;
}
