/** Whose words a pattern is written in: POSIX’s extended ones as GNU grep -E has them, or those of ripgrep 13. */
export type Dialect = 'grep' | 'rg';

/** Classes of characters, as `grep` has them inside a bracket. */
const CLASSES: Readonly<Record<string, string>> = { d: '0-9', w: '[:alnum:]_', s: '[:space:]' };

const QUANTIFIER = /[*+?]|\{\d+(?:,\d*)?\}/y;

/**
 * A pattern of the table for another program: no names, no lazy repetition, no look around. Both programs then find a line
 * more at worst, and never one less.
 */
export function translated(source: string, dialect: Dialect): string {
  let out = '';
  for (let at = 0; at < source.length; ) {
    const char = source[at] ?? '';
    if (char === '\\') {
      out += escaped(source[at + 1] ?? '', dialect);
      at += 2;
    } else if (char === '[') {
      const end = endOfClass(source, at);
      out += bracket(source.slice(at + 1, end), dialect);
      at = end + 1;
    } else if (/^\(\?<?[=!]/.test(source.slice(at, at + 4))) {
      at = endOfGroup(source, at) + 1;
    } else if (char === '(') {
      const open = /^\((?:\?:|\?<\w+>)?/.exec(source.slice(at, at + 40))?.[0] ?? '(';
      out += '(';
      at += open.length;
    } else {
      QUANTIFIER.lastIndex = at;
      const quantifier = QUANTIFIER.exec(source)?.[0];
      out += quantifier ?? char;
      at += (quantifier ?? char).length;
      if (quantifier !== undefined && source[at] === '?') at += 1;
    }
  }
  return out;
}

function escaped(char: string, dialect: Dialect): string {
  if (char === 't') return '\t';
  if (char === 'd') return '[0-9]';
  // ripgrep refuses a backslash before what needs none.
  return dialect === 'rg' && char === '/' ? '/' : `\\${char}`;
}

/** Where the class that opens at `at` closes. */
function endOfClass(source: string, at: number): number {
  let end = at + 1;
  while (source[end] !== ']' && end < source.length) end += source[end] === '\\' ? 2 : 1;
  return end;
}

/** Where the group that opens at `at` closes. */
function endOfGroup(source: string, at: number): number {
  let depth = 0;
  for (let end = at; end < source.length; end += 1) {
    if (source[end] === '\\') end += 1;
    else if (source[end] === '[') end = endOfClass(source, end);
    else if (source[end] === '(') depth += 1;
    else if (source[end] === ')' && --depth === 0) return end;
  }
  throw new Error(`no end of the group at ${at}: ${source}`);
}

/** Neither program looks beyond a line, so a class that only leaves out the line’s end is any character. */
function bracket(members: string, dialect: Dialect): string {
  const negated = members.startsWith('^');
  const inside = (negated ? members.slice(1) : members).replaceAll('\\n', '').replaceAll('\\t', '\t');
  if (inside === '') return '.';
  return `[${negated ? '^' : ''}${dialect === 'rg' ? inside : posix(inside)}]`;
}

/** In a POSIX bracket a backslash is a backslash, a closing bracket stands first, and a hyphen last. */
function posix(members: string): string {
  const hyphen = members.endsWith('-') ? '-' : '';
  const closing = members.includes('\\]') ? ']' : '';
  const rest = members.replace(/-$/, '').replaceAll('\\]', '');
  return closing + rest.replace(/\\(.)/g, (_, char: string) => CLASSES[char] ?? char) + hyphen;
}
