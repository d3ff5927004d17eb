import { join } from 'node:path';
import { type BenchKernel, benchBundle, benchKernel, mptfix } from './kernel.ts';
import { type Contender, race } from './measure.ts';
import { type GrowthRow, growthTable, linear, targets } from './table.ts';
import { copyGuest, forEach, restoreGuest } from './trees.ts';

const COUNTS = [1, 10, 40] as const;
const ROUNDS = 3;

/**
 * Guests of one kernel, each a tree of its own: looked at in one run; given the bundle of one build; and patched one by one
 * with the build cache filled. What a network adds is the network's, so none is measured.
 */
export async function benchGuests(): Promise<string> {
  const kernel = await benchKernel();
  const bundle = benchBundle(kernel);
  const trees = Array.from({ length: Math.max(...COUNTS) }, (_, index) =>
    join(kernel.folder, `guest-${index}`),
  );
  for (const tree of trees) copyGuest(kernel.guest, tree);
  const restore = (count: number) => (): void => {
    for (const tree of trees.slice(0, count)) restoreGuest(kernel.guest, tree, [kernel.release]);
  };
  const families = [
    family('`mptfix check` of all in one run', (count) => ({
      argv: mptfix(kernel, 'check', '--json', ...trees.slice(0, count).flatMap((tree) => ['--root', tree])),
      status: 10,
    })),
    family('`sh BUNDLE apply` on one after the other; the bundle is there', (count) => ({
      argv: forEach(`sh ${bundle} apply --yes --json --root "$place"`, trees.slice(0, count)),
      before: restore(count),
      rounds: ROUNDS,
    })),
    family('`mptfix apply` on one after the other, build cache warm', (count) => ({
      argv: forEach(warmApply(kernel), trees.slice(0, count)),
      before: restore(count),
      rounds: ROUNDS,
    })),
  ];
  const parts: string[] = [];
  const lines: string[] = [];
  for (const { title, contenders } of families) {
    const rows = await race(contenders, ROUNDS);
    const growth = rows.map((row, index): GrowthRow => ({ ...row, work: COUNTS[index] ?? Number.NaN }));
    parts.push(`${title}:`, growthTable(growth));
    lines.push(linear(growth, title));
  }
  return [about(kernel), ...parts, targets(...lines)].join('\n\n');
}

function family(
  title: string,
  contender: (count: number) => Omit<Contender, 'name'>,
): { readonly title: string; readonly contenders: readonly Contender[] } {
  return {
    title,
    contenders: COUNTS.map((count) => ({
      name: `${count} ${count === 1 ? 'guest' : 'guests'}`,
      ...contender(count),
    })),
  };
}

/** The guests have no headers, as those of the time: they come from the one guest that has. */
function warmApply(kernel: BenchKernel): string {
  const headers = join(kernel.guest, 'usr/src', `linux-headers-${kernel.release}`);
  const words = ['apply', '--yes', '--json', '--source', kernel.tarball, '--headers', headers];
  return `${mptfix(kernel, ...words).join(' ')} --root "$place"`;
}

function about({ release }: BenchKernel): string {
  return (
    `Each guest is a tree of its own with Debian’s ${release}, and no initramfs. One build is enough for all of them: an ` +
    'admin builds once and sends the bundle. The peak is that of the largest process, and does not add up over the guests.'
  );
}
