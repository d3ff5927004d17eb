import { benchBuild } from './build.ts';
import { benchCheck } from './check.ts';
import { benchDiagnose } from './diagnose.ts';
import { keepTable } from './performance-page.ts';
import { benchWatch } from './watch.ts';

/** One part of the benchmark: its name on the command line, and what makes its table. */
interface Part {
  readonly name: string;
  readonly title: string;
  readonly bench: () => Promise<string>;
}

const PARTS: readonly Part[] = [
  { name: 'check', title: '`mptfix check` on this machine', bench: benchCheck },
  { name: 'build', title: 'From source to a proven module', bench: benchBuild },
  { name: 'diagnose', title: '`mptfix diagnose` of a log of 1 GiB', bench: benchDiagnose },
  { name: 'watch', title: '`mptfix watch once` on this machine', bench: benchWatch },
];

/** `npm run bench` runs all parts, `npm run bench -- build` one; each puts its table into docs/performance.md. */
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no such part: ${unknown.join(' ')}; there are ${PARTS.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
for (const { name, title, bench } of PARTS.filter(
  (part) => wanted.length === 0 || wanted.includes(part.name),
)) {
  const text = await bench();
  process.stdout.write(`\n## ${title}\n\n${text}\n`);
  keepTable(name, title, text);
}
