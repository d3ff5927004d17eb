import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const PAGE = 'docs/performance.md';
const HEAD = `# Performance

\`npm run bench\` writes this page (\`npm run bench -- build\` writes one part of it). The times are those of whole processes on
one machine. Compare the ratios: each is one of medians, and the runs took turns.
`;

/** Puts one part's table into the page, in place of the one that it had. */
export function keepTable(name: string, title: string, text: string): void {
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
