/*
 * kbuild, told V=1, says each command before it runs it (`echo-cmd` of scripts/Kbuild.include since 2.6.0), and records it
 * in a file beside what it made (`.NAME.cmd`). So the module of another source can be made by the very same commands.
 */

/** One command of those that make a module of its source. */
export interface KbuildCommand {
  readonly step: Step;
  /** What a shell ran. */
  readonly text: string;
  /** Where: make's folder at that time; undefined where it did not say. */
  readonly folder: string | undefined;
}

/** In the order in which a module passes them; of `adjust` and `compile other` there may be none or several. */
export type Step =
  /** The module's one source becomes its object. */
  | 'compile'
  /** objtool or recordmcount writes into the object. */
  | 'adjust'
  /** modpost reads the object and writes NAME.mod.c: versions of symbols, aliases, srcversion. */
  | 'describe'
  /** NAME.mod.c, and what other object goes in. */
  | 'compile other'
  | 'link';

/** Where the module's files are, by each path that make may call it: absolute, or below the tree. */
export interface ModulePlace {
  readonly module: string;
  readonly folders: readonly string[];
}

/** How a command is recognized. The words are split at blanks: no path of a build has one. */
const STEPS: readonly {
  readonly step: Step;
  readonly is: (words: readonly string[], place: ModulePlace) => boolean;
  readonly source: string;
}[] = [
  {
    step: 'compile',
    is: (words, place) =>
      words.includes('-c') &&
      files(place, '.c').some((file) => words.includes(file)) &&
      [...files(place, '.o'), ...files(place, '.o', '.tmp_')].includes(output(words)),
    source: 'cmd_cc_o_c of scripts/Makefile.build; to .tmp_NAME.o with CONFIG_MODVERSIONS until 4.20',
  },
  {
    step: 'adjust',
    is: (words, place) =>
      /(^|\/)(objtool|recordmcount(\.pl)?)$/.test(words.find((word) => word !== 'perl') ?? '') &&
      files(place, '.o').includes(words.at(-1) ?? ''),
    source: 'cmd_objtool and cmd_record_mcount of scripts/Makefile.build, where they are rules of their own',
  },
  {
    step: 'describe',
    is: (words, place) =>
      words.some((word) => /(^|\/)modpost$/.test(word)) && words.some((word) => isBelow(word, place)),
    source: 'cmd_modpost of scripts/Makefile.modpost',
  },
  {
    step: 'compile other',
    is: (words, place) =>
      words.includes('-c') &&
      output(words).endsWith('.o') &&
      isBelow(output(words), place) &&
      words.every(
        (word) => !word.endsWith('.c') || !isBelow(word, place) || files(place, '.mod.c').includes(word),
      ),
    source:
      'cmd_cc_o_c of scripts/Makefile.modpost, since 5.6 of Makefile.modfinal; .module-common.o since 6.13',
  },
  {
    step: 'link',
    is: (words, place) => files(place, '.ko').includes(output(words)),
    source: 'cmd_ld_ko_o of scripts/Makefile.modpost, since 5.6 of Makefile.modfinal',
  },
];

function files({ module, folders }: ModulePlace, suffix: string, prefix = ''): readonly string[] {
  return folders.map((folder) => `${folder}/${prefix}${module}${suffix}`);
}

function isBelow(word: string, { folders }: ModulePlace): boolean {
  return folders.some((folder) => word.startsWith(`${folder}/`));
}

/** The word behind -o; empty where there is none. */
function output(words: readonly string[]): string {
  const at = words.indexOf('-o');
  return at === -1 ? '' : (words[at + 1] ?? '').replace(/;$/, '');
}

/** `make: Entering directory '/usr/src/…'`, with a backquote before it until make 4.0. */
const FOLDER = /^\S*make\S*: (Entering|Leaving) directory [`'‘](.*)['’]$/;

/** Hears the lines of make's output one after the other; answers the command that a line tells. */
export function kbuildListener(place: ModulePlace): (line: string) => KbuildCommand | undefined {
  const inside: string[] = [];
  return (line) => {
    const [, way, folder] = FOLDER.exec(line) ?? [];
    if (folder !== undefined) {
      if (way === 'Entering') inside.push(folder);
      else inside.pop();
      return undefined;
    }
    // echo-cmd writes two blanks first; what a program says of a file is no command.
    if (!line.startsWith('  ')) return undefined;
    const text = line.trim();
    const words = text.split(/\s+/);
    const step = STEPS.find(({ is }) => is(words, place))?.step;
    return step === undefined ? undefined : { step, text, folder: inside.at(-1) };
  };
}

/** `cmd_FILE := COMMAND`, since 6.3 `savedcmd_FILE := …`. */
const RECORDED = /^(?:saved)?cmd_\S+ := ?(.*)$/;

/**
 * The command of a `.NAME.cmd` as a shell ran it; undefined where there is none. It is written for make to read back:
 * `$` is doubled, and `#` escaped. Source: make-cmd of scripts/Kbuild.include ($(pound) since 5.0).
 */
export function recordedCommand(line: string): string | undefined {
  const text = RECORDED.exec(line)?.[1];
  return text?.replaceAll('$(pound)', '#').replaceAll('\\#', '#').replaceAll('$$', '$').trim();
}

/** Whether both are one command: echo may have told it with other blanks. */
export function isSameCommand(one: string, other: string): boolean {
  const plain = (text: string): string => text.replaceAll('\\#', '#').replace(/\s+/g, ' ').trim();
  return plain(one) === plain(other);
}
