// npm test: set-up, npm run lint, some rooms on the lowest Node, every test; ends with one line `N passed, N failed`. A skipped test is a failure in CI.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(file, ...args) {
  const { status } = spawnSync(file, args, { stdio: 'inherit' });
  return status ?? 1;
}

function mustRun(file, ...args) {
  const status = run(file, ...args);
  if (status === 0) return;
  console.log(`${file} ${args.join(' ')} failed`);
  console.log('0 passed, 1 failed');
  process.exit(status);
}

mustRun(process.execPath, 'scripts/setup.mjs');
mustRun('npm', 'run', '--silent', 'lint');

const arguments_ = process.argv.slice(2);
/** What needs no program of its own to be seen: the rest starts .ts files, which the lowest Node does not run. */
const ON_LOWEST_NODE = [
  'elf',
  'versions',
  'kernel-log',
  'diagnose',
  'transaction',
  'cli',
  'plan',
  'work',
  'guest',
];
if (arguments_.length === 0) {
  const lowest = 'test/lowest-node/node_modules/.bin/node';
  const files = ON_LOWEST_NODE.map((room) => `test/${room}/`);
  mustRun(lowest, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', ...files);
}

const folder = mkdtempSync(join(tmpdir(), 'mptfix-report-'));
const report = join(folder, 'report.json');
const status = run(
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...arguments_,
);
let counted = {
  numPassedTests: 0,
  numFailedTests: 1,
  numPendingTests: 0,
  numTodoTests: 0,
  numFailedTestSuites: 0,
};
try {
  counted = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  // vitest ended before it could report: that is the one failure.
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const skipped = counted.numPendingTests + counted.numTodoTests;
// A file that cannot even be loaded has no tests to fail.
const failed =
  Math.max(counted.numFailedTests, status === 0 ? 0 : 1) + (process.env.CI === undefined ? 0 : skipped);
if (skipped > 0)
  console.log(`${skipped} skipped${process.env.CI === undefined ? '' : ': in CI that is a failure'}`);
console.log(`${counted.numPassedTests} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
