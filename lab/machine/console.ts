/** A line that a guest's script printed, `LAB key words`, whatever precedes it. Undefined for any other line. */
export function labLine(line: string): { readonly key: string; readonly words: string } | undefined {
  const found = /LAB (\w+):?(?: (.*?))?\s*$/.exec(line);
  return found === null ? undefined : { key: found[1] ?? '', words: found[2] ?? '' };
}

/** A command's document and exit status, with `--json`. */
export interface LabDocument {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: documents of several commands
  readonly document: any;
}

/** Collects the documents of a console: `LAB document NAME STATUS {…}`. */
export function documents(): {
  /** Whether this line was one; a line that is cut or has a kernel message in it is none. */
  readonly line: (line: string) => boolean;
  readonly result: () => Readonly<Record<string, LabDocument>>;
} {
  const found: Record<string, LabDocument> = {};
  return {
    line: (line) => {
      const { key, words = '' } = labLine(line) ?? {};
      if (key !== 'document') return false;
      const [, name = '', status = '', text = ''] = /^(\S+) (\S+) (.*)$/.exec(words) ?? [];
      try {
        found[name] = { status: Number(status), document: JSON.parse(text) };
      } catch {
        return false;
      }
      return true;
    },
    result: () => found,
  };
}
