import { basename } from 'node:path/posix';
import { linesOf } from '../../lines.ts';
import { readBinaryIndex } from './binary.ts';

/** The index of one kernel's modules, as it is on the disk. */
export interface IndexFiles {
  /** Such as /lib/modules/2.6.18-8.el5. */
  readonly folder: string;
  /** modules.dep; undefined where there is none. */
  readonly text: string | undefined;
  /** modules.dep.bin; undefined where there is none. */
  readonly binary: Buffer | undefined;
}

/** What a modprobe opens for a module, by the very names that it gives to open(2). */
export interface Opened {
  readonly file: string;
  readonly needs: readonly string[];
}

/** `problem`: in words, why that modprobe would load nothing. */
export type Answer = Opened | { readonly problem: string };

export type ToolFamily = 'modutils' | 'module-init-tools' | 'kmod';

/** How one generation of depmod writes the index, and how its modprobe reads it. */
export interface IndexForm {
  readonly id: 'modutils' | 'm-i-t-3.0' | 'm-i-t-3.5' | 'm-i-t-3.6' | 'm-i-t-3.7' | 'kmod';
  readonly family: ToolFamily;
  /** For messages. */
  readonly name: string;
  /** The first version of the family that has this form, as [major, minor]. */
  readonly since: readonly [number, number];
  /** Whether this machine's depmod, kmod's, writes what that modprobe reads. */
  readonly isOurs: boolean;
  /** Whether its depmod can be asked to index a folder other than that of the running system, from modules alone. */
  readonly indexesFolders: boolean;
  readonly read: (files: IndexFiles, module: string) => Answer;
}

interface Rules {
  readonly lines: (text: string) => Iterable<string>;
  /** A name that does not begin with a slash: is it below the kernel's folder, or is it opened as it stands? */
  readonly belowFolder: boolean;
  /** Versions of modules.dep.bin that it can read; empty where it does not look for one. */
  readonly majors: readonly number[];
  /** Where there is no modules.dep.bin, or one of another version: whether it goes on to modules.dep. */
  readonly fallsBack: { readonly missing: boolean; readonly version: boolean };
}

const NEVER = { missing: true, version: true } as const;

/**
 * The newest of a family last. Sources: modprobe.c and depmod.c of module-init-tools 3.3-pre2, 3.4, 3.5, 3.6, 3.7 and
 * 3.12; libkmod.c and libkmod-index.c of kmod 30; depmod(8), modprobe(8) and util/config.c (`fgets_strip`) of modutils
 * 2.4. Each was tried with the others' indexes: 3.4 says `Could not open 'kernel/…'` of kmod's, 3.5 `Bad magic number`.
 */
export const INDEX_FORMS: readonly IndexForm[] = [
  {
    id: 'modutils',
    family: 'modutils',
    name: 'modutils',
    since: [0, 0],
    isOurs: false,
    // It takes the kernel's symbols from the running kernel.
    indexesFolders: false,
    read: reader({ lines: modutilsLines, belowFolder: false, majors: [], fallsBack: NEVER }),
  },
  {
    id: 'm-i-t-3.0',
    family: 'module-init-tools',
    name: 'module-init-tools before 3.5',
    since: [0, 0],
    isOurs: false,
    indexesFolders: true,
    read: reader({ lines: wrappedLines, belowFolder: false, majors: [], fallsBack: NEVER }),
  },
  {
    id: 'm-i-t-3.5',
    family: 'module-init-tools',
    name: 'module-init-tools 3.5',
    since: [3, 5],
    isOurs: false,
    indexesFolders: true,
    read: reader({
      lines: wrappedLines,
      belowFolder: false,
      majors: [0],
      fallsBack: { missing: true, version: false },
    }),
  },
  {
    id: 'm-i-t-3.6',
    family: 'module-init-tools',
    name: 'module-init-tools 3.6',
    since: [3, 6],
    isOurs: false,
    indexesFolders: true,
    read: reader({
      lines: wrappedLines,
      belowFolder: true,
      majors: [0, 1],
      fallsBack: { missing: true, version: false },
    }),
  },
  {
    id: 'm-i-t-3.7',
    family: 'module-init-tools',
    name: 'module-init-tools from 3.7 on',
    since: [3, 7],
    isOurs: true,
    indexesFolders: true,
    read: reader({
      lines: wrappedLines,
      belowFolder: true,
      majors: [2],
      fallsBack: { missing: true, version: true },
    }),
  },
  {
    id: 'kmod',
    family: 'kmod',
    name: 'kmod',
    since: [0, 0],
    isOurs: true,
    indexesFolders: true,
    read: reader({
      lines: wrappedLines,
      belowFolder: true,
      majors: [2],
      fallsBack: { missing: false, version: false },
    }),
  },
];

export function indexForm(id: IndexForm['id']): IndexForm {
  const form = INDEX_FORMS.find((one) => one.id === id);
  if (form === undefined) throw new Error(`no index form is called ${id}`);
  return form;
}

/** The form of a version such as `3.3-pre2`; undefined for a text that is no version. */
export function formOf(family: ToolFamily, version: string): IndexForm | undefined {
  const match = /^(\d{1,4})(?:\.(\d{1,4}))?/.exec(version);
  if (match === null) return undefined;
  const [major, minor] = [Number(match[1]), Number(match[2] ?? 0)];
  return INDEX_FORMS.findLast(
    ({ family: its, since: [first, second] }) =>
      its === family && (major > first || (major === first && minor >= second)),
  );
}

/** A module's name, as modprobe takes it from a file's: to the first dot, with `_` for `-`. */
export function nameOfFile(file: string): string {
  return asName(basename(file).split('.', 1)[0] ?? '');
}

const asName = (text: string): string => text.replaceAll('-', '_');

function reader({ lines, belowFolder, majors, fallsBack }: Rules): IndexForm['read'] {
  return ({ folder, text, binary }, module) => {
    const open = (line: string): Answer => {
      const colon = line.indexOf(':');
      const words = line.slice(colon + 1).split(/[ \t]+/);
      const [file = '', ...needs] = [line.slice(0, colon), ...words.filter(Boolean)].map((name) =>
        name.startsWith('/') || !belowFolder ? name : `${folder}/${name}`,
      );
      const odd = [file, ...needs].find((name) => !name.startsWith('/'));
      if (odd !== undefined)
        return { problem: `it would open ${JSON.stringify(odd)} as it stands, which is nowhere` };
      return { file, needs };
    };
    const isOf = (line: string): boolean => isEntry(line) && nameOfFile(entryFile(line)) === asName(module);
    if (majors.length > 0 && binary === undefined && !fallsBack.missing)
      return { problem: 'there is no modules.dep.bin' };
    if (majors.length > 0 && binary !== undefined) {
      const index = readBinaryIndex(binary);
      const isKnown = index !== undefined && majors.includes(index.major);
      if (!isKnown && !fallsBack.version) return { problem: 'modules.dep.bin is none that it can read' };
      if (isKnown) {
        const line = index.values.get(asName(module))?.[0];
        if (line === undefined) return { problem: `modules.dep.bin does not list ${module}` };
        return isOf(line)
          ? open(line)
          : { problem: `modules.dep.bin gives ${JSON.stringify(line.slice(0, 200))}` };
      }
    }
    if (text === undefined) return { problem: 'there is no modules.dep' };
    // The first line counts.
    for (const line of lines(text)) if (isOf(line)) return open(line);
    return { problem: `modules.dep does not list ${module}` };
  };
}

const entryFile = (line: string): string => line.slice(0, line.indexOf(':'));
const isEntry = (line: string): boolean => line.includes(':') && !/^[ \t]*#/.test(line);

/** module-init-tools and kmod: a backslash at the very end of a line joins the next one to it. */
function wrappedLines(text: string): Iterable<string> {
  return linesOf(text.replaceAll('\\\n', ''));
}

/**
 * modutils: a `#` begins a comment wherever it stands, blanks at the end of a line count for nothing, and after a
 * backslash the next line is joined with one blank.
 */
function* modutilsLines(text: string): Generator<string, undefined, undefined> {
  let parts: string[] = [];
  for (const line of linesOf(text)) {
    const plain = (line.split('#', 1)[0] ?? '').trimEnd();
    const part = parts.length === 0 ? plain.trimStart() : plain.replace(/^\s+/, ' ');
    const goesOn = part.endsWith('\\') && !part.endsWith('\\\\');
    parts.push(goesOn ? part.slice(0, -1) : part);
    if (goesOn) continue;
    yield parts.join('');
    parts = [];
  }
  yield parts.join('');
}

/** Every module that a modules.dep lists, by the file's name as it stands there. */
export function* indexedFiles(text: string): Iterable<string> {
  for (const line of modutilsLines(text)) if (isEntry(line)) yield entryFile(line);
}
