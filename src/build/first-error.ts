/** What a compiler, a shell or a linker says of the thing that is wrong. */
const TELLING =
  /: (fatal )?error:|error while loading shared libraries|: not found|undefined!|undefined reference/;
/** make's own complaint; `*** [file] Error 1` only counts what was said before it. */
const COMPLAINT = /\*\*\* (?!\[)/;
const COUNTED = /\*\*\* \[/;
/** Lines of a build that goes well: among them, with V=1, the commands before they run. */
const CHATTER =
  /^\s*$|^make(\[\d+\])?: (Entering|Leaving)|^ {2}[A-Z][A-Z0-9_]* {1,}|^ {2,}[\w./{][^:]* |^(make|sh|test|rm|mkdir|set) /;

/** The one line of a failed build's output that a person should read first. */
export function firstError(lines: readonly string[]): string {
  const counted = lines.findIndex((line) => COUNTED.test(line));
  const before = counted === -1 ? [] : lines.slice(0, counted);
  const line =
    lines.find((text) => TELLING.test(text)) ??
    lines.find((text) => COMPLAINT.test(text)) ??
    before.findLast((text) => !CHATTER.test(text)) ??
    lines[counted] ??
    lines.findLast((text) => text.trim() !== '');
  return line?.trim() ?? 'make printed nothing';
}

/** What a build says, and what then is to be done. */
interface Cause {
  readonly says: RegExp;
  readonly next: string;
}

const OLDER_COMPILER =
  'this compiler is too new for that kernel: give --toolchain guest (with --root), or --toolchain DIR, the / of a system of its time';

/** The first that fits is the cause: what comes later follows from it. */
const CAUSES: readonly Cause[] = [
  {
    says: /mixed implicit and normal rules/,
    next: 'make 3.82 and later refuse that Makefile: give --toolchain guest (with --root), or --make-var MAKE=/path/to/an/older/make',
  },
  {
    says: /[\u2018'`]?PATH_MAX[\u2019']? undeclared/,
    next: 'the kernel’s own programs need an older C library: give --toolchain guest (with --root), or headers whose scripts are built',
  },
  {
    says: /no compiler-gcc\.h file for this gcc|linux\/compiler-gcc\d+\.h: No such file/,
    next: OLDER_COMPILER,
  },
  {
    says: /unrecognized command.line option|unrecognized argument/,
    next: 'the compiler does not know an option of that kernel’s Makefile: give the compiler that built it, with --toolchain or --make-var CC=NAME',
  },
  {
    says: /code model kernel does not support PIC mode|-mfentry isn.t supported/,
    next: 'this compiler makes position-independent code by itself: give --make-var CC="gcc -fno-pie", or a --toolchain of the kernel’s time',
  },
  {
    says: /error while loading shared libraries/,
    next: 'the headers’ own programs need that library: install its package where the compiler runs',
  },
  {
    says: /libelf|gelf\.h: No such file/,
    next: 'install the development files of libelf (libelf-dev, elfutils-libelf-devel) where the compiler runs',
  },
  {
    says: /openssl\/\w+\.h: No such file/,
    next: 'install the development files of OpenSSL (libssl-dev, openssl-devel) where the compiler runs',
  },
  {
    says: /(flex|bison|bc|perl|python3?): (command )?not found/,
    next: 'install the program that is named, where the compiler runs',
  },
  {
    says: /parse error in symbol dump file/,
    next: 'that Module.symvers is not of this kernel’s time: give --symvers, or --headers, of exactly this kernel',
  },
  {
    says: /Exec format error/,
    next: 'the headers’ own programs are for another processor: give --headers of the architecture of the machine that compiles',
  },
];

/** What to do about a failed build; undefined where it says nothing that is known. */
export function hintFor(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const cause = CAUSES.find(({ says }) => says.test(line));
    if (cause !== undefined) return cause.next;
  }
  return undefined;
}
