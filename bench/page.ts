/** How docs/performance.md begins. */
export const HEAD = `# Performance

\`npm run bench\` writes this page (\`npm run bench -- build\` writes one part of it). The times are those of whole processes on
one machine, which does nothing else meanwhile. Compare the ratios: each is a ratio of medians, from runs in turn. The peak is
the largest memory that any one process had at once.
`;

/**
 * The page with this part's text between its marks: in place of what it had, or before the first part of `order` that comes
 * after it. Everything else stays as it is, also what somebody has written between the parts.
 */
export function withPart(page: string, order: readonly string[], name: string, text: string): string {
  const [begin, end] = marks(name);
  const part = `${begin}\n${text}\n${end}\n`;
  const start = page.indexOf(begin);
  const stop = page.indexOf(end, start);
  if (start !== -1 && stop !== -1) return page.slice(0, start) + part + page.slice(stop + end.length + 1);
  const next = order
    .slice(order.indexOf(name) + 1)
    .map((later) => page.indexOf(marks(later)[0]))
    .find((at) => at !== -1);
  return next === undefined
    ? `${page.trimEnd()}\n\n${part}`
    : `${page.slice(0, next)}${part}\n${page.slice(next)}`;
}

function marks(name: string): readonly [begin: string, end: string] {
  return [`<!-- ${name} -->`, `<!-- /${name} -->`];
}
