// npm run bench [-- PART…]: runs all parts or those named, and puts the table of each into docs/performance.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { benchApply } from './apply.ts';
import { benchArchives } from './archives.ts';
import { benchBuild } from './build.ts';
import { benchCheck, benchWatch } from './check-and-watch.ts';
import { benchDiagnose, benchLogs } from './diagnose.ts';
import { benchGuests } from './guests.ts';
import { benchKernels } from './kernels.ts';
import { HEAD, withPart } from './page.ts';

/** One part of the benchmark: its name on the command line, and what produces its table. */
interface Part {
  readonly name: string;
  readonly title: string;
  readonly bench: () => Promise<string>;
}

/** In the order of the page. */
const PARTS: readonly Part[] = [
  { name: 'build', title: 'From source to a proven module', bench: benchBuild },
  { name: 'archives', title: 'The driver out of a tarball of 2.6’s size', bench: benchArchives },
  { name: 'apply', title: 'The bundle’s `apply` on a guest', bench: benchApply },
  { name: 'check', title: '`mptfix check` on this machine', bench: benchCheck },
  { name: 'watch', title: '`mptfix watch once` on this machine', bench: benchWatch },
  { name: 'diagnose', title: '`mptfix diagnose` of a log of 1 GiB', bench: benchDiagnose },
  { name: 'logs', title: 'As work grows: logs of 0.1, 1 and 4 GiB', bench: benchLogs },
  { name: 'kernels', title: 'As work grows: 1, 2 and 4 kernels on one guest', bench: benchKernels },
  { name: 'guests', title: 'As work grows: 1, 10 and 40 guests of one kernel', bench: benchGuests },
];

const PAGE = 'docs/performance.md';

/** Puts one part's table into the page, in place of the table that it had. */
function keepTable({ name, title }: Part, text: string): void {
  const about = `Node ${process.versions.node}, ${availableParallelism()} cores.${busy()}`;
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : HEAD;
  const order = PARTS.map((part) => part.name);
  writeFileSync(PAGE, withPart(page, order, name, `## ${title}\n\n${text}\n\n${about}`));
}

/** One run at a time keeps two cores busy at most: what is above is other work. */
function busy(): string {
  const [, load = 0] = loadavg();
  if (load <= 2.5) return '';
  return (
    ` **The machine had other work meanwhile** (load ${load.toFixed(1)}), which slows what runs side by side more than what ` +
    'runs alone. Run it again on an idle machine.'
  );
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no such part: ${unknown.join(' ')}; there are ${PARTS.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
for (const part of PARTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const text = await part.bench();
  process.stdout.write(`\n## ${part.title}\n\n${text}\n`);
  keepTable(part, text);
}
