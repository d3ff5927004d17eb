// npm run bench [-- PART…]: runs all parts or those named, and puts the table of each into docs/performance.md.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { benchBuild } from './build.ts';
import { benchCheck, benchWatch } from './check-and-watch.ts';
import { benchDiagnose } from './diagnose.ts';

/** One part of the benchmark: its name on the command line, and what produces its table. */
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

const PAGE = 'docs/performance.md';
const HEAD = `# Performance

\`npm run bench\` writes this page (\`npm run bench -- build\` writes one part of it). The times are those of whole processes on
one machine. Compare the ratios: each is a ratio of medians, from interleaved runs.
`;

/** Puts one part's table into the page, in place of the table that it had. */
function keepTable({ name, title }: Part, text: string): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const about = `Node ${process.versions.node}, ${availableParallelism()} cores.`;
  const part = `${begin}\n## ${title}\n\n${text}\n\n${about}\n${end}\n`;
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : HEAD;
  const start = page.indexOf(begin);
  const stop = page.indexOf(end);
  mkdirSync('docs', { recursive: true });
  writeFileSync(
    PAGE,
    start === -1 || stop === -1
      ? `${page}\n${part}`
      : page.slice(0, start) + part + page.slice(stop + end.length + 1),
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
