import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import type { Argv } from '../../src/machine/program.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { type Entries, sh, temporary } from '../machine/temporary.ts';

/** A tar of 300 KB that does not shrink much, so that a cut is within the data. */
export async function tarball(): Promise<string> {
  const folder = await temporary();
  sh('cd "$1"; mkdir x; head -c 300000 /dev/urandom > x/noise; tar -cf a.tar x', folder);
  return join(folder, 'a.tar');
}

/** Packs a file with a program; the path of what it made. */
export function packed(tar: string, tool: string, suffix: string): string {
  sh(`${tool} -c < "$1" > "$1${suffix}"`, tar);
  return `${tar}${suffix}`;
}

/** A tar as kernel.org's are: written by git, of files whose names all begin with `prefix`. */
export async function gitArchive(entries: Entries, prefix: string): Promise<string> {
  const tree = await temporary(entries);
  const path = join(await temporary(), 'git.tar');
  sh(
    'cd "$1/$3"; git init -q; git add -Af; git -c user.name=x -c user.email=x@localhost commit -qm x; git archive --prefix="$3" -o "$2" HEAD',
    tree,
    path,
    prefix,
  );
  return path;
}

/** A machine that has of the decoders with threads those named alone, and notes which decoders run. */
export function withDecoders(
  names: readonly string[],
  instead: Readonly<Record<string, Argv>> = {},
): Target & { readonly ran: string[] } {
  const machine = localTarget({ dryRun: true });
  const ran: string[] = [];
  return {
    ...machine,
    ran,
    findProgram: async (name) => (names.includes(name) ? machine.findProgram(name) : undefined),
    run: (argv, options) => {
      ran.push(argv.join(' '));
      return machine.run(instead[argv.slice(0, 3).join(' ')] ?? instead[argv[0]] ?? argv, options);
    },
  };
}
