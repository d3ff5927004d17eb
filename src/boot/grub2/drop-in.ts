import type { BootEntryKey } from '../entry.ts';

/**
 * The script that grub-mkconfig runs, in the style of 40_custom: it prints its own lines from the third on. So what
 * it prints is plain text, and can be put into grub.cfg without running it.
 */
export const DROP_IN = '/etc/grub.d/42_mptfix';

const SCRIPT = '#!/bin/sh\nexec tail -n +3 "$0"\n';
const ABOUT = [
  '# Written by mptfix: the initramfs from before it replaced the disk driver, if the new one should not boot.',
  '# Never the default. mptfix rollback and mptfix status --prune take the entries away again.',
];

/** An entry of the drop-in. */
export interface Block {
  readonly key: BootEntryKey;
  /** Whole lines. */
  readonly text: string;
}

/** The drop-in's text. */
export function dropIn(blocks: readonly Block[]): string {
  return SCRIPT + printed(blocks);
}

/** What the drop-in prints. */
export function printed(blocks: readonly Block[]): string {
  const lines = blocks.map(({ key, text }) => `${mark('begin', key)}\n${text}${mark('end', key)}\n`);
  return `${ABOUT.join('\n')}\n${lines.join('')}`;
}

/** The entries of a drop-in, or of what it printed; undefined where somebody else wrote into it. */
export function blocksOf(text: string): readonly Block[] | undefined {
  const lines = (text.startsWith(SCRIPT) ? text.slice(SCRIPT.length) : text).split('\n');
  const blocks: Block[] = [];
  let open: { key: BootEntryKey; lines: string[] } | undefined;
  for (const line of lines) {
    if (open === undefined) {
      const found = /^# mptfix begin (\d{1,9}) (\S+)$/.exec(line);
      if (found !== null)
        open = { key: { generation: Number(found[1]), release: found[2] ?? '' }, lines: [] };
      // The lines before the first entry may be an older version's.
      else if (line !== '' && !line.startsWith('#')) return undefined;
    } else if (line === mark('end', open.key)) {
      blocks.push({ key: open.key, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    } else open.lines.push(line);
  }
  return open === undefined ? blocks : undefined;
}

/** With the entry in the place of one of the same key, else at the end. */
export function withBlock(blocks: readonly Block[], block: Block): readonly Block[] {
  const has = blocks.some(({ key }) => same(key, block.key));
  return has ? blocks.map((old) => (same(old.key, block.key) ? block : old)) : [...blocks, block];
}

export function withoutBlock(blocks: readonly Block[], key: BootEntryKey): readonly Block[] {
  return blocks.filter((block) => !same(block.key, key));
}

function same(one: BootEntryKey, other: BootEntryKey): boolean {
  return one.release === other.release && one.generation === other.generation;
}

function mark(which: 'begin' | 'end', key: BootEntryKey): string {
  return `# mptfix ${which} ${key.generation} ${key.release}`;
}
