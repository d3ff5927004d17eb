// npm test: set-up, npm run lint, some rooms on the lowest Node, every test; ends with one line `N passed, N failed`. A skipped test is a failure in CI.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

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
mustRun(process.execPath, 'scripts/bundle.mjs', '--if-stale');

const arguments_ = process.argv.slice(2);
/** What needs no program of its own to be seen: the rest starts .ts files, which the lowest Node does not run. */
const ON_LOWEST_NODE = [
  'elf/',
  'versions/',
  'kernel-log/',
  'diagnose/',
  'transaction/',
  // The others in it start hundreds of runs, and show nothing of Node.
  'cli/main',
  'cli/help',
  'cli/environment',
  'plan/',
  'work/',
  'guest/',
];
const LOWEST_NODE = 'test/lowest-node/node_modules/.bin/node';
const VITEST = 'node_modules/vitest/vitest.mjs';

/** Starts a program and passes on its output in whole lines: two that run side by side do not mix theirs within one. */
function start(file, ...args) {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ])
    createInterface({ input: from }).on('line', (line) => to.write(`${line}\n`));
  return new Promise((resolve) => {
    child.on('close', (status) => resolve(status ?? 1));
    // What a test has left running keeps the pipes open, and must not keep the result.
    child.on('exit', (status) => setTimeout(() => resolve(status ?? 1), 10_000).unref());
  });
}

const folder = mkdtempSync(join(tmpdir(), 'mptfix-report-'));

/** Runs tests, and counts them. */
async function count(name, ...args) {
  const report = join(folder, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = await start(process.execPath, VITEST, 'run', ...reporters, ...args);
  try {
    return { status, ...JSON.parse(readFileSync(report, 'utf8')) };
  } catch {
    // vitest ended before it could report: that is the one failure.
    return { status, numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };
  }
}

async function onLowestNode() {
  const files = ON_LOWEST_NODE.map((room) => `test/${room}`);
  const status = await start(LOWEST_NODE, VITEST, 'run', '--project', 'unit', ...files);
  if (status !== 0) console.log('the tests on the lowest Node failed');
  return { status, numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
}

/** So many parts of the unit tests: whoever has nothing else to do takes the next. */
const SHARDS = 10;

/** Files of the end-to-end tests run one after the other, and use little more than one core: the others run beside them. */
async function everything() {
  const workers = Math.max(1, availableParallelism() - 1);
  const left = Array.from({ length: SHARDS }, (_, index) => index + 1);
  const withShards = async (first) => {
    const results = [await first];
    for (let shard = left.shift(); shard !== undefined; shard = left.shift()) {
      const words = [`--shard=${shard}/${SHARDS}`, `--maxWorkers=${workers}`];
      results.push(await count(`unit-${shard}`, '--project', 'unit', ...words));
    }
    return results;
  };
  const both = [withShards(count('e2e', '--project', 'e2e')), withShards(onLowestNode())];
  return (await Promise.all(both)).flat();
}

let results = [];
try {
  results = arguments_.length === 0 ? await everything() : [await count('some', ...arguments_)];
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const sum = (number) => results.reduce((total, one) => total + number(one), 0);
const skipped = sum((one) => one.numPendingTests + one.numTodoTests);
// A file that cannot even be loaded has no tests to fail.
const failed =
  sum((one) => Math.max(one.numFailedTests, one.status === 0 ? 0 : 1)) +
  (process.env.CI === undefined ? 0 : skipped);
if (skipped > 0)
  console.log(`${skipped} skipped${process.env.CI === undefined ? '' : ': in CI that is a failure'}`);
console.log(`${sum((one) => one.numPassedTests)} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
