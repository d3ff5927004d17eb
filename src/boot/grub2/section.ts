import { basename } from 'node:path/posix';
import { typedInGuest } from '../../typed.ts';
import { type BootEntryKey, mark } from '../entry.ts';
import type { Range, Script } from './script.ts';

/**
 * The script that grub-mkconfig runs, in the style of 40_custom: it prints its own lines from the third on. So what
 * it prints is plain text, and can be put into grub.cfg without running it.
 */
export const DROP_IN = '/etc/grub.d/42_mptfix';

const SCRIPT = '#!/bin/sh\nexec tail -n +3 "$0"\n';
const ABOUT = [
  '# Written by mptfix: the initramfs from before it replaced the disk driver, if the new one should not boot.',
  `# Never the default. ${typedInGuest('rollback')} and ${typedInGuest('status', ['--prune'])} take the entries away again.`,
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

/** Where a section stands in grub.cfg, with the empty line that grub-mkconfig prints before it. */
export type Section = Range & {
  /** What the script printed. */
  readonly printed: string;
};

const BEGIN = `### BEGIN ${DROP_IN} ###`;
const END = `### END ${DROP_IN} ###`;

/** grub-mkconfig's marks. In a block or a quote, or after other text on the line, it is none. */
function marks(script: Script) {
  return script.comments.flatMap((at) => {
    if (at.from > 0 && script.text[at.from - 1] !== '\n') return [];
    const found = /^### (BEGIN|END) (\S+) ###\r?$/.exec(script.text.slice(at.from, at.to));
    return found === null ? [] : [{ which: found[1] ?? '', path: found[2] ?? '', at }];
  });
}

/** The drop-in's section: undefined where there is none, `damaged` where its marks do not make one. */
export function ourSection(script: Script): Section | 'damaged' | undefined {
  const ours = marks(script).filter(({ path }) => path === DROP_IN);
  if (ours.length === 0) return undefined;
  const [begin, end] = ours;
  if (ours.length !== 2 || begin?.which !== 'BEGIN' || end?.which !== 'END') return 'damaged';
  const { text } = script;
  const blank = text.slice(0, begin.at.from).endsWith('\n\n') ? 1 : 0;
  const to = Math.min(end.at.to + 1, text.length);
  return { from: begin.at.from - blank, to, printed: text.slice(begin.at.to + 1, end.at.from) };
}

/**
 * Where the section is, or where grub-mkconfig would put it: in the scripts' order, which is that of their names.
 * Undefined where the section that is there is damaged.
 */
export function sectionPlace(script: Script): Range | undefined {
  const old = ourSection(script);
  if (old !== undefined) return old === 'damaged' ? undefined : old;
  const { text } = script;
  const next = marks(script).find(
    ({ which, path }) => which === 'BEGIN' && basename(path) > basename(DROP_IN),
  );
  const blank = next !== undefined && text.slice(0, next.at.from).endsWith('\n\n') ? 1 : 0;
  const at = next === undefined ? text.length : next.at.from - blank;
  return { from: at, to: at };
}

/** grub.cfg with the section as grub-mkconfig would write it; null takes it away. */
export function withSection(script: Script, place: Range, printed: string | null): string {
  const before = script.text.slice(0, place.from);
  const end = before === '' || before.endsWith('\n') ? '' : '\n';
  const put = printed === null ? '' : `${end}\n${BEGIN}\n${printed}${END}\n`;
  return before + put + script.text.slice(place.to);
}
