import { shQuote } from '../../sh-quote.ts';

/*
 * The scripts that a guest's sh runs to read, for tools of 2003: POSIX sh, ls, cat, dd, and nothing newer. All paths are
 * absolute, so none is taken for an option. A path is named first, then followed, so that a missing one is told by ls in
 * the C library's words (`errno.ts`).
 */

/** What a script ends with where it will not read what has the place of a file. */
export const REFUSED = { notFile: 121, tooLarge: 122, notLink: 123, byListing: 124 } as const;

/** The largest number that `test` of every shell compares. */
const INT_MAX = 2 ** 31 - 1;

/** The path by a name: quoted once, at a place that no shell reads twice, as it does within backquotes. */
function named(path: string): string {
  return `f=${shQuote(path)}\n`;
}

/** `ls -ldn` with the time in full where this ls can (PREAMBLE knows); of the file that links lead to with `L`. */
export function listing(path: string, links: 'follow' | 'tell'): string {
  const letters = links === 'follow' ? '-ldnL' : '-ldn';
  return `${named(path)}exec ls ${letters} $mptfix_time "$f"`;
}

/** A whole regular file. */
export function wholeFile(path: string, limit: number): string {
  return `${named(path)}ls -dL "$f" >/dev/null || exit 1
[ -f "$f" ] || exit ${REFUSED.notFile}
set -f
set -- \`ls -ldnL "$f" 2>/dev/null\`
[ "$5" -le ${Math.min(limit, INT_MAX)} ] || exit ${REFUSED.tooLarge}
exec cat "$f"`;
}

export const BLOCK_BYTES = 4096;

/** Blocks of a regular file or, where `disks`, of a block device. */
export function blocks(
  path: string,
  { skip, count }: { readonly skip: number; readonly count: number },
): string {
  return `${named(path)}ls -dL "$f" >/dev/null || exit 1
[ -f "$f" ] || [ -b "$f" ] || exit ${REFUSED.notFile}
exec dd if="$f" bs=${BLOCK_BYTES} skip=${skip} count=${count}`;
}

/** The names in a folder, each with `/` and a newline after it: no name holds a slash. */
export function folderNames(path: string): string {
  return `${named(path)}ls -a "$f/." >/dev/null || exit 1
cd "$f" || exit 1
printf '%s/\\n' .* *`;
}

/** The name that ends the names of `folderStates`: none is empty. */
export const NO_MORE = '';

/** The names in a folder as `folderNames` has them, then `NO_MORE`, then `ls -lan` of it. */
export function folderStates(path: string): string {
  return `${named(path)}ls -a "$f/." >/dev/null || exit 1
cd "$f" || exit 1
printf '%s/\\n' .* * ''
exec ls -lan $mptfix_time`;
}

/** The contents of files below a folder, one after the other. */
export function filesInRow(folder: string, paths: readonly string[]): string {
  return `${named(folder)}cd "$f" || exit 1
exec cat ${paths.map((path) => shQuote(`./${path}`)).join(' ')}`;
}

/** The text of a link and a newline; with status `byListing` the whole line of ls. */
export function linkText(path: string): string {
  return `${named(path)}[ -h "$f" ] || exit ${REFUSED.notLink}
if type readlink >/dev/null 2>&1; then exec readlink "$f"; fi
ls -ldn "$f" || exit 1
exit ${REFUSED.byListing}`;
}

/** The folder that a path leads to, by its real name and a newline. Fails where it is none. */
export function realFolder(path: string): string {
  return `${named(path)}cd -P "$f" 2>/dev/null && pwd -P`;
}

/** `yes`, or why not; `mount` options in /proc/mounts decide where root may write whatever the modes say. */
export function mayWrite(path: string): string {
  return `${named(path)}[ -d "$f" ] || { echo missing; exit; }
point=\`df -P "$f" 2>/dev/null | sed -n '$s/^.*% *//p'\`
options=
while read -r source where type given rest; do
  if [ "$where" = "$point" ]; then options=$given; fi
done </proc/mounts
case ",$options," in *,ro,*) echo read-only; exit;; esac
if [ -w "$f" ] && [ -x "$f" ]; then echo yes; else echo denied; fi`;
}

/** Of the file system of a folder that exists: kilobytes that may still be written. */
export function freeKilobytes(path: string): string {
  return `${named(path)}df -P -k "$f"`;
}

/** Whether a flock(2) is held on an inode of this number; the device is not asked for, so it may be another's. */
export function heldLocks(path: string): string {
  return `${named(path)}ls -id "$f" || exit 1
echo
exec cat /proc/locks`;
}

/** The first path of these that is a program. */
export function firstProgram(paths: readonly string[]): string {
  const names = paths.map(shQuote).join(' ');
  return `for path in ${names}; do
  if [ -f "$path" ] && [ -x "$path" ]; then printf '%s' "$path"; exit 0; fi
done
exit 1`;
}
