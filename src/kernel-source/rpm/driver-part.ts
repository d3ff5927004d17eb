import { DRIVER_FOLDER } from '../driver-files.ts';

/**
 * The parts of a patch that change the driver's folder, or the version in the top Makefile, in their order; empty where there are none. Git's
 * own headers (renames, modes) are kept with the part that they belong to. `strip`: how many folders `patch -p` takes off.
 * Undefined where a header names the driver's folder and no part was found, as in another form of diff.
 */
export function driverPart(patch: string, strip: number): string | undefined {
  const found = filesIn(patch)
    .filter(({ names, text }) => names.some((name) => isWanted(stripped(name, strip), text)))
    .map(({ text }) => text)
    .join('');
  return found === '' && NAMES_DRIVER.test(patch) ? undefined : found;
}

const NAMES_DRIVER = /^(?:\*\*\*|---|\+\+\+|diff|Index:|rename) [^\n]*message\/fusion/m;

interface FilePart {
  readonly names: readonly string[];
  readonly text: string;
}

/** A patch's files. Lines of a hunk are counted, so that `--- ` of a removed line is no header. */
function filesIn(patch: string): readonly FilePart[] {
  const parts: { names: string[]; lines: string[] }[] = [];
  let current: { names: string[]; lines: string[] } | undefined;
  let [before, after] = [0, 0];
  const lines = patch.split('\n');
  for (const [index, line] of lines.entries()) {
    const inHunk = before > 0 || after > 0;
    if (inHunk) {
      if (line.startsWith('-')) before -= 1;
      else if (line.startsWith('+')) after -= 1;
      else if (!line.startsWith('\\')) {
        before -= 1;
        after -= 1;
      }
      current?.lines.push(line);
      continue;
    }
    const isGit = /^diff --git /.test(line);
    const isOld = /^--- /.test(line) && /^\+\+\+ /.test(lines[index + 1] ?? '');
    if (isGit || (isOld && (current === undefined || current.lines.some((one) => one.startsWith('@@'))))) {
      current = { names: [], lines: [] };
      parts.push(current);
    }
    const name =
      /^(?:---|\+\+\+) ([^\t\n]+)/.exec(line)?.[1]?.trim() ??
      /^(?:rename|copy) (?:from|to) (.+)$/.exec(line)?.[1];
    if (name !== undefined && name !== '/dev/null') current?.names.push(name);
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (hunk !== null) [before, after] = [Number(hunk[1] ?? 1), Number(hunk[2] ?? 1)];
    current?.lines.push(line);
  }
  return parts.map(({ names, lines }) => ({ names, text: `${lines.join('\n')}\n` }));
}

/** As patch does: so many leading folders are taken off. Of a rename git gives names without `a/`. */
function stripped(name: string, strip: number): readonly string[] {
  return [name.split('/').slice(strip).join('/'), name];
}

/** Specs also patch a hypervisor's tree, which has a top Makefile too: only a kernel's has these words. */
const CHANGES_VERSION = /^[-+](?:VERSION|PATCHLEVEL|SUBLEVEL)\s*=/m;

function isWanted(names: readonly string[], text: string): boolean {
  return names.some(
    (name) => (name === 'Makefile' && CHANGES_VERSION.test(text)) || name.startsWith(`${DRIVER_FOLDER}/`),
  );
}
