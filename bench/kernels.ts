import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ARCHITECTURES } from '../src/architectures.ts';
import { MACHINE } from '../src/build/toolchain/toolchain.ts';
import { plantAffectedModule } from '../src/demo/guest-tree.ts';
import { rootTarget } from '../src/machine/tree.ts';
import { silentProgress } from '../src/progress.ts';
import { openWorkspace } from '../src/work/workspace.ts';
import { type BenchKernel, benchKernel, mptfix } from './kernel.ts';
import { type Contender, race } from './measure.ts';
import { otherReleases } from './releases.ts';
import { type GrowthRow, growthTable, linear, targets } from './table.ts';
import { forEach, restoreGuest } from './trees.ts';

const COUNTS = [1, 2, 4] as const;
const ROUNDS = 3;

/** One guest with as many kernels of the same source as the distro offers: up to four, all of them affected. */
export async function benchKernels(): Promise<string> {
  const kernel = await benchKernel();
  const full = join(kernel.folder, 'kernels');
  execFileSync('cp', ['-al', kernel.guest, full]);
  // Replaced before it is written to: the files are shared.
  execFileSync('sed', ['-i', '', join(full, 'var/lib/dpkg/status')]);
  const releases = [kernel.release];
  for (const release of otherReleases(kernel).slice(0, Math.max(...COUNTS) - 1)) {
    await addKernel(kernel, full, release);
    releases.push(release);
  }
  const counts = COUNTS.filter((count) => count <= releases.length);
  const trees = counts.map((count) => withKernels(full, `${full}-${count}`, releases.slice(0, count)));
  const first = (count: number): readonly string[] => releases.slice(0, count);
  const tree = (index: number): string => trees[index] ?? '';
  const apply = (...more: readonly string[]) => ({
    of: (count: number, index: number) => ({
      argv: forEach(
        `${mptfix(kernel, 'apply', '--yes', '--json', '--root', tree(index), '--source', kernel.tarball, ...more).join(' ')} --kernel "$place"`,
        first(count),
      ),
      before: () => restoreGuest(full, tree(index), first(count)),
      rounds: ROUNDS,
    }),
  });
  const families = [
    {
      title: '`mptfix check --all-kernels`',
      of: (_: number, index: number) => ({
        argv: mptfix(kernel, 'check', '--all-kernels', '--json', '--root', tree(index)),
        status: 10,
      }),
    },
    { title: '`mptfix apply` of each, cold', ...apply('--no-cache') },
    { title: '`mptfix apply` of each, build cache warm', ...apply() },
  ];
  const filling = apply().of(releases.length, counts.length - 1);
  const [file = '', ...argv] = filling.argv;
  execFileSync(file, argv, { stdio: ['ignore', 'ignore', 2] });
  filling.before();
  const parts: string[] = [];
  const lines: string[] = [];
  for (const { title, of } of families) {
    const contenders = counts.map(
      (count, index): Contender => ({
        name: `${count} ${count === 1 ? 'kernel' : 'kernels'}`,
        ...of(count, index),
      }),
    );
    const rows = await race(contenders, ROUNDS);
    const growth = rows.map((row, index): GrowthRow => ({ ...row, work: counts[index] ?? Number.NaN }));
    parts.push(`${title}:`, growthTable(growth));
    lines.push(linear(growth, title));
  }
  return [about(releases), ...parts, targets(...lines)].join('\n\n');
}

function about(releases: readonly string[]): string {
  return (
    `The kernels are Debian’s own, with their headers, and all of one source: ${releases.join(', ')}. Each has its affected ` +
    'module, built as the demo builds it. The guest has no initramfs. `apply` is one run for each kernel: plan, build, proofs, ' +
    'installation.'
  );
}

/** A copy that has these kernels alone; it shares its files. */
function withKernels(from: string, to: string, releases: readonly string[]): string {
  execFileSync('cp', ['-al', from, to]);
  for (const release of readdirSync(join(to, 'lib/modules')))
    if (!releases.includes(release)) rmSync(join(to, 'lib/modules', release), { recursive: true });
  return to;
}

/** Puts a kernel and its headers into the tree, as dpkg has them, and an affected module in the place of the distro's. */
async function addKernel(kernel: BenchKernel, tree: string, release: string): Promise<void> {
  const folder = join(kernel.folder, `debs-${release}`);
  mkdirSync(folder);
  const apt = (...words: readonly string[]): string =>
    execFileSync(words[0] ?? '', words.slice(1), { cwd: folder, stdio: ['ignore', 'pipe', 2] }).toString();
  const headers = `linux-headers-${release}`;
  const common = [...apt('apt-cache', 'show', headers).matchAll(/linux-headers-\S+-common\S*/g)].map(String);
  apt('apt-get', '-q', 'download', `linux-image-${release}`, headers, ...new Set(common));
  for (const deb of readdirSync(folder)) apt('dpkg-deb', '--extract', deb, tree);
  rmSync(folder, { recursive: true });
  appendFileSync(
    join(tree, 'var/lib/dpkg/status'),
    readFileSync(join(kernel.guest, 'var/lib/dpkg/status'), 'utf8').replaceAll(kernel.release, release),
  );
  const workspace = await openWorkspace(kernel.folder);
  try {
    const files = new Map<string, Buffer>();
    for (const entry of readdirSync(kernel.driver, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files.set(path.slice(kernel.driver.length + 1), readFileSync(path));
    }
    const architecture = ARCHITECTURES.find(({ machines }) => machines.includes(process.arch));
    if (architecture === undefined) throw new Error(`no kernel of ${process.arch}`);
    await plantAffectedModule(rootTarget(tree, { dryRun: false }), {
      workspace,
      files,
      release,
      architecture,
      toolchain: MACHINE,
      progress: silentProgress,
      signal: new AbortController().signal,
    });
  } finally {
    await workspace.dispose();
  }
}
