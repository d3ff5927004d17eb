/** Which compiler it was, and its full version, as it names itself. */
export interface CompilerName {
  readonly family: 'gcc' | 'clang';
  /** Digits and dots, such as `4.1.1`. */
  readonly version: string;
}

/** One way in which a compiler names itself, and a real text of it. */
interface Form {
  readonly family: CompilerName['family'];
  /** Its group `version` is the answer. */
  readonly pattern: RegExp;
  readonly examples: readonly string[];
  readonly source: string;
}

/**
 * What stands in `.comment` of an object, in CONFIG_CC_VERSION_TEXT, and in the first line of `--version`. Between the
 * version and its date, and in the parentheses, stands whatever the distro wrote: also its own package's version.
 */
const FORMS: readonly Form[] = [
  {
    family: 'gcc',
    // Whatever is in the first parentheses is the builder's. What follows is gcc's own version.
    pattern:
      /^(?:GCC: |[\w./+-]*(?:gcc|cc)(?:-[\d.]+)? )\((?:[^()]|\([^()]*\)){0,200}\) (?:egcs-)?(?<version>\d+(?:\.\d+)+)(?=[\s,]|$)/,
    examples: ['GCC: (GNU) 4.1.1 20070105 (Red Hat 4.1.1-52)', 'gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0'],
    source:
      'gcc/config/elfos.h: IDENT_ASM_OP "GCC: (GNU) " version_string, later pkgversion_string; gcc/gcc.c: --version',
  },
  {
    family: 'gcc',
    pattern: /^egcs-(?<version>\d+(?:\.\d+)+)(?=\s|$)/,
    examples: ['egcs-2.91.66'],
    source: 'egcs 1.1.2, gcc/version.c; its --version prints that alone',
  },
  {
    family: 'gcc',
    pattern: /^(?<version>2\.\d+(?:\.\d+)?)$/,
    examples: ['2.95.4', '2.96'],
    source: 'gcc before 3.0, gcc/gcc.c: --version prints the number alone',
  },
  {
    family: 'clang',
    pattern: /^(?:[\w() ,.:/+~#=-]{0,200} )?clang version (?<version>\d+(?:\.\d+)+)/,
    examples: ['clang version 14.0.6', 'Debian clang version 14.0.6'],
    source: 'clang/lib/Basic/Version.cpp: getClangFullVersion',
  },
];

/** Which compiler a text names; undefined where it names none that is known. */
export function compilerNamed(text: string): CompilerName | undefined {
  for (const { family, pattern } of FORMS) {
    const version = pattern.exec(text.trim())?.groups?.version;
    if (version !== undefined) return { family, version };
  }
  return undefined;
}

/** The compilers that an object's `.comment` names, each once; what else is in there, such as a linker, is none. */
export function compilersIn(comment: string): readonly CompilerName[] {
  const found = new Map<string, CompilerName>();
  for (const text of comment.split('\0')) {
    const name = compilerNamed(text);
    if (name !== undefined) found.set(`${name.family} ${name.version}`, name);
  }
  return [...found.values()];
}

/** What `-dumpversion` prints: the version alone, of egcs with its name before it. */
export function dumpedVersion(output: string): string | undefined {
  return /^(?:egcs-)?(\d+(?:\.\d+)*)\s*$/m.exec(output)?.[1];
}

/** The version of gcc with which a vermagic ends until 2.6.18: `gcc-4.0`. Source: include/linux/vermagic.h of that time. */
export function vermagicCompiler(vermagic: string): string | undefined {
  return / gcc-(\d+(?:\.\d+)*)\s*$/.exec(vermagic)?.[1];
}
