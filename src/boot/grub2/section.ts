import { basename } from 'node:path/posix';
import { DROP_IN } from './drop-in.ts';
import type { Range, Script } from './script.ts';

/** Where a section stands in grub.cfg, with the empty line that grub-mkconfig prints before it. */
export type Section = Range & {
  /** What the script printed. */
  readonly printed: string;
};

interface Mark {
  readonly which: string;
  readonly path: string;
  readonly at: Range;
}

const BEGIN = `### BEGIN ${DROP_IN} ###`;
const END = `### END ${DROP_IN} ###`;

/** grub-mkconfig's marks. In a block or a quote, or after other text on the line, it is none. */
function marks(script: Script): readonly Mark[] {
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
