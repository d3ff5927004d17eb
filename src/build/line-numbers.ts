/**
 * The patched text with a `#line` behind the change, so that what follows keeps its line numbers. Kernels write them into
 * the code (BUG() up to 2.6.19, the checks of spin locks of RHEL 4), and no function but the patched one may differ.
 * Lines are split at \n alone; a change at the very end needs none.
 */
export function keepLineNumbers(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  if (old.length === now.length) return after;
  const most = Math.min(old.length, now.length);
  let same = 0;
  while (same < most && old[same] === now[same]) same += 1;
  let rest = 0;
  while (rest < most - same && old[old.length - 1 - rest] === now[now.length - 1 - rest]) rest += 1;
  if (rest === 0 || (rest === 1 && now.at(-1) === '')) return after;
  const line = old.length - rest + 1;
  return [...now.slice(0, now.length - rest), `#line ${line}`, ...now.slice(now.length - rest)].join('\n');
}
