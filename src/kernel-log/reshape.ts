/*
 * Logs of which one line alone does not say what it means: they are brought into a form in which each does.
 */

/** Takes one line, gives back what stands for it: nothing, a line, or several with line breaks between. */
export interface Reshaper {
  readonly line: (line: string) => string | undefined;
  /** What is still to come at the end. */
  readonly end: () => string | undefined;
}

interface Shape {
  /** How the text of such a log begins. */
  readonly begins: RegExp;
  /** What the reshaped log begins with. */
  readonly head?: string;
  readonly make: () => Reshaper;
}

const VERBOSE_HEAD =
  /^(?:[\p{L}.]{1,12} )?(?<stamp>\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?: [A-Z+\-\d]{1,9})?) \[s=[\da-f]{4,64};/u;
const FIELD = /^ {1,8}(?<field>[A-Z_][A-Z0-9_]{0,63}=[^\n]*)$/;
const DELTA = /^(?:[a-z]{3,8} {0,4}:[a-z]{3,6} {0,4}: )?\[ {0,8}\+\d{1,9}\.\d{1,6}\] ?(?!\[)/;
const MINUTE =
  /^(?:[a-z]{3,8} {0,4}:[a-z]{3,6} {0,4}: )?(?<stamp>\[[\p{L}.]{3,12} {0,2}\d{1,2} \d{2}:\d{2}\] ?)/u;

const SHAPES: readonly Shape[] = [
  // journalctl -o verbose: a head with the date, and below it a line a field.
  { begins: VERBOSE_HEAD, head: '__CURSOR=verbose\n', make: verbose },
  // journalctl -o json-pretty, and jq: an object over many lines.
  { begins: /^\[?\s{0,8}\{\s{0,8}\n/, make: prettyJson },
  // dmesg -e and -H: the time of the first line of each minute, and of the others how much later they came.
  {
    begins:
      /^(?:[^\n]{0,400}\n){0,19}?(?:[a-z]{3,8} {0,4}:[a-z]{3,6} {0,4}: )?\[[\p{L}.]{3,12} {0,2}\d{1,2} \d{2}:\d{2}\] /u,
    make: human,
  },
];

/** How a log that begins so must be reshaped; undefined where it need not be. */
export function reshaperOf(start: string): (Reshaper & { readonly head: string }) | undefined {
  const shape = SHAPES.find(({ begins }) => begins.test(start));
  return shape === undefined ? undefined : { head: shape.head ?? '', ...shape.make() };
}

/** Becomes `journalctl -o export`, whose records end with an empty line. */
function verbose(): Reshaper {
  return {
    line: (line) => {
      const stamp = VERBOSE_HEAD.exec(line)?.groups?.stamp;
      if (stamp !== undefined) return `\n__VERBOSE_DATE=${stamp}`;
      return FIELD.exec(line)?.groups?.field;
    },
    end: () => '\n',
  };
}

const MAX_OBJECT = 64 * 1024;

/** Becomes one line an object. */
function prettyJson(): Reshaper {
  let text = '';
  let indent = '';
  return {
    line: (line) => {
      if (text === '') {
        const start = /^\[?(?<indent>\s{0,16})\{\s*$/.exec(line);
        if (start === null) return undefined;
        indent = start.groups?.indent ?? '';
        text = '{';
        return undefined;
      }
      const isEnd = line.startsWith(`${indent}}`) && /^\s{0,16}\}\s*[,\]]{0,2}\s*$/.test(line);
      text += isEnd ? '}' : line.trim();
      if (!isEnd && text.length < MAX_OBJECT) return undefined;
      const object = text;
      text = '';
      return object;
    },
    end: () => (text === '' ? undefined : text),
  };
}

/** Each line gets the time of its minute. */
function human(): Reshaper {
  let minute = '';
  return {
    line: (line) => {
      minute = MINUTE.exec(line)?.groups?.stamp ?? minute;
      return DELTA.test(line)
        ? line.replace(/\[ {0,8}\+\d{1,9}\.\d{1,6}\] ?/, minute === '' ? '$&' : minute)
        : line;
    },
    end: () => undefined,
  };
}
