import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readResults } from '../../../src/build/elsewhere/results.ts';
import { openWorkspace } from '../../../src/work/workspace.ts';

const JOB: Parameters<typeof readResults>[1] = {
  id: 'a'.repeat(64),
  order: {
    command: ['make'],
    folder: { from: '/none', to: '/build/module' },
    called: '/build/module',
    seenAt: '/build/module',
    readOnly: [],
    maxBytes: 1,
  },
  compiler: ['gcc'],
  module: 'mptscsih',
  builds: new Map([['unchanged', new Map()]]),
};

/** A file of that size, which takes no place on the disk. */
function truncateTo(path: string, bytes: number): void {
  const handle = openSync(path, 'w');
  ftruncateSync(handle, bytes);
  closeSync(handle);
}

/** What stands in a file's place: its text, or what makes it. */
type Content = string | ((path: string) => void);

async function read(files: Readonly<Record<string, Content>>) {
  const base = mkdtempSync(join(tmpdir(), 'mptfix-results-'));
  chmodSync(base, 0o755);
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const results = mkdtempSync(join(base, 'results-'));
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string') writeFileSync(join(results, name), content);
    else content(join(results, name));
  }
  const workspace = await openWorkspace(base);
  onTestFinished(() => workspace.dispose());
  return readResults(workspace, JOB, results);
}

const ID = `${JOB.id}\n`;
const linkToShadow: Content = (path) => symlinkSync('/etc/shadow', path);

test.each<[string, Readonly<Record<string, Content>>, string, string]>([
  ['without their end', {}, 'E_RESULTS', 'does not hold all'],
  ['of another job', { id: `${'b'.repeat(64)}\n` }, 'E_RESULTS', 'compiled from other files'],
  [
    'of a make that failed',
    { id: `${JOB.id}\n`, 'unchanged.status': '2\n', 'unchanged.log': 'a.c:1:1: error: broken\n' },
    'E_BUILD',
    'a.c:1:1: error: broken',
  ],
  [
    'whose module is missing',
    { id: `${JOB.id}\n`, 'unchanged.status': '0\n', 'unchanged.log': 'fine\n' },
    'E_BUILD',
    'mptscsih.ko could not be built',
  ],
  [
    'of an image that lacks programs',
    { id: ID, lacks: ' make gcc-3.4\n' },
    'E_TOOLS_MISSING',
    'the image has no make, no gcc-3.4',
  ],
  ['whose id is a link', { id: linkToShadow }, 'E_RESULTS', 'does not hold all'],
  ['whose id has no end', { id: (path) => truncateTo(path, 2 ** 40) }, 'E_FILE_UNSAFE', 'id'],
  [
    'whose module is a link',
    { id: ID, 'unchanged.status': '0\n', 'unchanged.log': linkToShadow, 'unchanged.ko': linkToShadow },
    'E_BUILD',
    'mptscsih.ko could not be built',
  ],
  [
    'whose module is a FIFO',
    { id: ID, 'unchanged.status': '0\n', 'unchanged.ko': (path) => execFileSync('mkfifo', [path]) },
    'E_BUILD',
    'mptscsih.ko could not be built',
  ],
  [
    'whose module is a folder',
    { id: ID, 'unchanged.status': '0\n', 'unchanged.ko': (path) => mkdirSync(path) },
    'E_BUILD',
    'mptscsih.ko could not be built',
  ],
  [
    'whose module is larger than any',
    { id: ID, 'unchanged.status': '0\n', 'unchanged.ko': (path) => truncateTo(path, 2 ** 40) },
    'E_FILE_UNSAFE',
    'unchanged.ko',
  ],
  [
    'whose module is none',
    { id: ID, 'unchanged.status': '0\n', 'unchanged.ko': 'no ELF file\n' },
    'E_BUILD',
    'what make has left as mptscsih.ko cannot be read: strip: ',
  ],
])('results %s are refused', async (_, files, code, says) => {
  await expect(read(files)).rejects.toMatchObject({ failure: { code, what: expect.stringContaining(says) } });
});
