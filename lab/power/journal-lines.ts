/** Both writers of journals: src/transaction/store.ts and src/bundle/sh. */
const LINE =
  /\{"time":"[^"]{20,30}","event":"(begin|intent|done|committed|rolling-back|rolled-back)"(?:,"step":\d+,"kind":"([a-z-]+)")?[,}]/g;

/**
 * Tells when a line of a transaction's journal reaches the disk, by its name: `intent image-build`, `committed`. The
 * line is written and flushed before its act, so the disk sees each step as it comes, whoever writes it. What was there
 * before is passed over: a block is written again with each line.
 */
export function journalWatch(onLine: (name: string) => void): (data: Buffer) => void {
  const seen = new Set<string>();
  return (data) => {
    if (!data.includes('"event":"')) return;
    for (const [line, event = '', kind] of data.toString('latin1').matchAll(LINE)) {
      if (seen.has(line)) continue;
      seen.add(line);
      onLine(kind === undefined ? event : `${event} ${kind}`);
    }
  };
}
