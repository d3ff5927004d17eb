import { INITRAMFS_TOOLS, type InitramfsTool, OTHER_IMAGES } from '../initramfs/tools.ts';
import { depmodOutputs } from '../install/depmod.ts';
import { shQuote } from '../sh-quote.ts';

/*
 * The table of initramfs tools as functions of the sh file: what differs between the tools is written once, in
 * `initramfs/tools.ts`, and here only read for one release.
 */

/** A path that `SUSE` turns into a name in /boot and all others take whole. */
const OUTPUT = '@OUTPUT@';
const FIRST = '@FIRST@';
const SECOND = '@SECOND@';
const DIGEST = '0'.repeat(40);
const IMAGE = '@IMAGE@';

/** The functions image_names, other_images, tool_argv, tool_folders, listed_in, state_files and state_content. */
export function toolFunctions(release: string): string {
  const rows = INITRAMFS_TOOLS;
  return [
    '# Each image name that a tool gives: name, program, tool.',
    'image_names() {',
    "  cat <<'END'",
    ...rows.flatMap(({ name, program, images }) =>
      images(release).map((image) => `${image} ${program} ${name}`),
    ),
    'END',
    '}',
    '',
    '# Images beside those that are booted.',
    'other_images() {',
    "  cat <<'END'",
    ...OTHER_IMAGES.map(({ path }) => path(release)),
    'END',
    '}',
    '',
    '# tool_folders TOOL: where it may make the tree of an image, a folder a line.',
    'tool_folders() {',
    '  case $1 in',
    ...rows.map(({ name, worksIn }) => `  ${shQuote(name)}) printf '%s\\n' ${worksIn.join(' ')} ;;`),
    '  esac',
    '}',
    '',
    '# listed_in TOOL: where the guest says which drivers go into its images.',
    'listed_in() {',
    '  case $1 in',
    ...rows.map(({ name, listedIn }) => `  ${shQuote(name)}) printf '%s' ${shQuote(listedIn)} ;;`),
    '  esac',
    '}',
    '',
    '# tool_argv TOOL OUTPUT MODULES: builds the image under that name, and does nothing else.',
    'tool_argv() {',
    '  output=$2',
    '  modules=$3',
    '  case $1 in',
    ...rows.flatMap((tool) => argvLines(tool, release).map((line) => `  ${line}`)),
    '  *) return 1 ;;',
    '  esac',
    '  in_guest "$@" </dev/null',
    '}',
    '',
    '# state_files TOOL: what the distro keeps about the image.',
    'state_files() {',
    '  case $1 in',
    ...rows.flatMap((tool) =>
      tool
        .stateFiles(release)
        .map(({ path }) => `  ${shQuote(tool.name)}) printf '%s\\n' ${shQuote(path)} ;;`),
    ),
    '  esac',
    '}',
    '',
    '# state_content TOOL FILE SHA1 IMAGE',
    'state_content() {',
    '  case $1,$2 in',
    ...rows.flatMap((tool) =>
      tool.stateFiles(release).map(({ path, content }) => {
        const text = content({ path: IMAGE, sha1: DIGEST });
        const words = [...text.matchAll(new RegExp(`${IMAGE}|${DIGEST}`, 'g'))].map(([word]) =>
          word === IMAGE ? '"$4"' : '"$3"',
        );
        const format = text.replaceAll('%', '%%').replaceAll(IMAGE, '%s').replaceAll(DIGEST, '%s');
        return `  ${shQuote(`${tool.name},${path}`)}) printf ${shQuote(format.replaceAll('\n', '\\n'))} ${words.join(' ')} ;;`;
      }),
    ),
    '  esac',
    '}',
  ].join('\n');
}

/** The files that a depmod writes, without their folder. */
export function indexFiles(release: string): readonly string[] {
  return depmodOutputs(release).map((path) => path.slice(path.lastIndexOf('/') + 1));
}

/** A row's `build` as an arm of `case`: its words for no module, and how those for modules differ. */
function argvLines(tool: InitramfsTool, release: string): readonly string[] {
  const argv = tool.build({ release, output: `/boot/${OUTPUT}`, modules: [FIRST, SECOND] });
  const lines: string[] = [`${shQuote(tool.name)})`, '  set --'];
  for (const word of argv) {
    if (word === `${FIRST} ${SECOND}`) lines.push('  set -- "$@" "$modules"');
    else if (word.includes(FIRST)) {
      const [before = '', after = ''] = word.split(FIRST);
      lines.push(`  for one in $modules; do set -- "$@" ${shQuote(before)}"$one"${shQuote(after)}; done`);
    } else if (!word.includes(SECOND)) lines.push(`  set -- "$@" ${outputWord(word)}`);
  }
  return [...lines, '  ;;'];
}

function outputWord(word: string): string {
  if (word === `/boot/${OUTPUT}`) return '"$output"';
  if (word === OUTPUT) return `"\${output#/boot/}"`;
  if (word.includes(OUTPUT)) throw new Error(`no form for the word ${word}`);
  return shQuote(word);
}
