import { DRIVER_FOLDER } from '../driver-files.ts';

/** A patch that a spec applies: its file, how many folders are stripped of its names, and how far off a hunk may be. */
export interface SpecPatch {
  readonly file: string;
  readonly strip: number;
  readonly fuzz: number | undefined;
  /** Whether it is taken out: the tarball, or a patch before, has it. */
  readonly reverse: boolean;
}

/** What a spec does to its source before it builds, as far as that shows for the driver's folder. */
export interface Preparation {
  /** The file of Source0, the kernel's tarball. */
  readonly tarball: string | undefined;
  /** In the order in which they are applied. */
  readonly patches: readonly SpecPatch[];
  /**
   * Lines of %prep that may change the driver's folder in a way that this list does not show. Where there are any, only
   * running %prep itself gives the source.
   */
  readonly doubts: readonly string[];
}

/**
 * Reads a spec whose macros and conditions rpm has expanded (`rpmspec --parse`). The forms in which %prep applies a patch:
 * `%patch12 -p1`, `%patch -P 12 -p1`, `%autosetup -p1`, `%autopatch`, what newer rpms expand these to, Fedora's function
 * `ApplyPatch FILE`, and `patch -p1 < FILE` itself.
 */
export function readPreparation(expanded: string): Preparation {
  const files = filesOf(expanded);
  const patches: SpecPatch[] = [];
  const doubts: string[] = [];
  for (const line of withoutApplyPatch(joined(section(expanded, 'prep')))) {
    const applied = appliedBy(line, files);
    if (applied !== undefined) patches.push(...applied);
    else if (isDoubtful(line)) doubts.push(line.trim());
  }
  return { tarball: files.sources.get(0), patches, doubts };
}

interface SpecFiles {
  readonly sources: ReadonlyMap<number, string>;
  readonly patches: ReadonlyMap<number, string>;
}

/** `Patch12: file.patch`, `Source: URL/of/file`; without a number they are counted on. */
function filesOf(text: string): SpecFiles {
  const found = { sources: new Map<number, string>(), patches: new Map<number, string>() };
  for (const [, kind = '', digits = '', value = ''] of text.matchAll(
    /^(Source|Patch)(\d*)[ \t]*:[ \t]*(\S+)/gim,
  )) {
    const map = /^s/i.test(kind) ? found.sources : found.patches;
    const next = map.size === 0 ? 0 : Math.max(...map.keys()) + 1;
    map.set(digits === '' ? next : Number(digits), value.replace(/^.*\//, ''));
  }
  return found;
}

const SECTION =
  /^%(?:prep|build|install|check|clean|pre|post|preun|postun|files|changelog|package|description|generate_buildrequires|trigger\w*)\b/;

function section(text: string, name: string): readonly string[] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^%${name}\\b`).test(line));
  if (start < 0) return [];
  const length = lines.slice(start + 1).findIndex((line) => SECTION.test(line));
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length);
}

/** A backslash continues a line; a line with # alone is a comment. */
function joined(lines: readonly string[]): readonly string[] {
  return lines
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*#/.test(line));
}

/** Without the definitions of Fedora's functions: what they do is said where they are called. */
function withoutApplyPatch(lines: readonly string[]): readonly string[] {
  let isInside = false;
  return lines.filter((line) => {
    if (/^\s*Apply(?:Optional)?Patch\s*\(\)/.test(line)) isInside = true;
    const isKept = !isInside;
    if (isInside && /^\}/.test(line)) isInside = false;
    return isKept;
  });
}

function appliedBy(line: string, files: SpecFiles): readonly SpecPatch[] | undefined {
  const words = line.trim();
  const options = {
    strip: numberOf(words, /\s-p\s*(\d+)\b/) ?? 0,
    fuzz: numberOf(words, /\s(?:-F\s*|--fuzz[= ])(\d+)\b/),
    reverse: /\s(?:-R|--reverse)\b/.test(words),
  };
  const numbered = /^%\{?patch(\d+)\b/.exec(words);
  if (numbered !== null) return [{ file: patchFile(files, Number(numbered[1])), ...options }];
  if (/^%\{?patch(?:\s|\}|$)/.test(words)) {
    const numbers = [...words.matchAll(/\s-P\s*(\d+)\b/g)].map((match) => Number(match[1]));
    return (numbers.length === 0 ? [0] : numbers).map((number) => ({
      file: patchFile(files, number),
      ...options,
    }));
  }
  if (/^%\{?auto(?:setup|patch)\b/.test(words)) {
    if (/\s-N\b/.test(words)) return [];
    return [...files.patches.entries()]
      .toSorted(([a], [b]) => a - b)
      .map(([, file]) => ({ file, ...options }));
  }
  const called = /^Apply(?:Optional)?Patch\s+([^\s$]+)(?=\s|$)/.exec(words);
  if (called !== null) {
    // The function's own command. Source: kernel.spec of Fedora 12 and RHEL 6, `patch_command='patch -p1 -F1 -s'`.
    const isEmpty = /^ApplyOptionalPatch/.test(words) && !nameKnown(files, called[1] ?? '');
    return isEmpty ? [] : [{ ...options, file: base(called[1] ?? ''), strip: 1, fuzz: options.fuzz ?? 1 }];
  }
  // What a newer rpm expands %patch to: `/usr/bin/patch -p1 -s --fuzz=0 … < FILE`, or with cat and a decoder before it.
  const run = /(?:^|[|;&]\s*|\s)(?:\/usr\/bin\/)?patch\s+-/.test(words) ? namedFile(words, files) : undefined;
  return run === undefined ? undefined : [{ file: run, ...options }];
}

function nameKnown({ patches, sources }: SpecFiles, name: string): boolean {
  return [...patches.values(), ...sources.values()].includes(base(name));
}

/** The one patch that a command line names. */
function namedFile(line: string, files: SpecFiles): string | undefined {
  const named = line
    .split(/[\s<>|;'"]+/)
    .map(base)
    .filter((word) => word !== '' && nameKnown(files, word));
  return new Set(named).size === 1 ? named[0] : undefined;
}

/** A number that the spec gives no file for stays a name, which will then be missing. */
function patchFile({ patches }: SpecFiles, number: number): string {
  return patches.get(number) ?? `Patch${number}`;
}

function numberOf(text: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function base(path: string): string {
  return path.replace(/^.*\//, '');
}

/**
 * Commands that change files anywhere, and any word of the driver's. What goes through the tree by its names (find, a glob, a
 * loop's variable) is none of these: specs do so with configurations and editors' leftovers.
 */
function isDoubtful(line: string): boolean {
  if (line.includes(DRIVER_FOLDER) || /message\/fusion|mptscsi|mptbase/.test(line)) return true;
  return /(?:^|[|;&(]\s*|\s)(?:patch\s+-|git\s+(?:am|apply)\b|quilt\b|ed\s+-|Apply(?:Optional)?Patch\b)/.test(
    line,
  );
}
