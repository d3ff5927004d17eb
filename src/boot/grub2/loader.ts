import { dirname } from 'node:path/posix';
import { type ConfigAnswer, type ConfigFile, readConfig, readConfigs } from '../config-file.ts';
import {
  type BootEntryKey,
  type BootReads,
  type FileEdit,
  type Loader,
  type LoaderPlan,
  type NamedRequest,
  nothingToEdit,
} from '../entry.ts';
import { fallbackEntry, type MenuEntry } from './menu-entry.ts';
import { type Command, literal, nameOf, readScript, type Script } from './script.ts';
import {
  blocksOf,
  DROP_IN,
  dropIn,
  ourSection,
  printed,
  sectionPlace,
  withBlock,
  withoutBlock,
  withSection,
} from './section.ts';

/**
 * Where grub.cfg is. Red Hat's before 8 have the whole menu on the ESP; Debian and later Red Hats have a stub there
 * that only leads to the other one.
 */
export const GRUB_CONFIGS: readonly string[] = [
  '/boot/efi/EFI/*/grub.cfg',
  '/boot/grub2/grub.cfg',
  '/boot/grub/grub.cfg',
];

/** GRUB 2: a drop-in for the next grub-mkconfig, and its very output in grub.cfg, so that nothing need be run now. */
export const grub2: Loader = { name: 'grub2', plan, remove };

interface Menu extends ConfigFile {
  readonly script: Script;
}

async function plan(target: BootReads, request: NamedRequest): Promise<LoaderPlan | undefined> {
  const answers = await readConfigs(target, GRUB_CONFIGS);
  if (answers.length === 0) return undefined;
  const { menus, problems } = menusOf(answers);
  for (const menu of menus) {
    const entry = fallbackEntry(menu.script, request);
    if (entry !== undefined) return await planFor(target, menu, entry, request);
  }
  const none = `no entry of ${menus.map(({ path }) => path).join(', ') || 'the boot menu'} boots ${request.release} with ${request.image}`;
  return nothingToEdit(...problems, none);
}

function menusOf(answers: readonly ConfigAnswer[]): {
  readonly menus: readonly Menu[];
  readonly problems: readonly string[];
} {
  const menus: Menu[] = [];
  const problems: string[] = [];
  for (const answer of answers) {
    if ('problem' in answer) {
      problems.push(answer.problem);
      continue;
    }
    const { file } = answer;
    const script = readScript(file.text);
    if (script === undefined)
      problems.push(`${file.path} has a quote or a block that never ends: left alone`);
    else if (!isStub(script)) menus.push({ ...file, script });
  }
  return { menus, problems };
}

function isStub(script: Script): boolean {
  const names = script.commands.map((command) => nameOf(script, command));
  return names.includes('configfile') && !names.includes('menuentry');
}

async function planFor(
  target: BootReads,
  menu: Menu,
  entry: MenuEntry,
  request: NamedRequest,
): Promise<LoaderPlan> {
  const old = await readConfig(target, DROP_IN);
  if (old !== undefined && 'problem' in old) return nothingToEdit(old.problem);
  const blocks = blocksOf(old?.file.text ?? '');
  if (blocks === undefined) return nothingToEdit(`${DROP_IN} was changed by somebody else: left alone`);
  const place = sectionPlace(menu.script);
  const next = withBlock(blocks, { key: request, text: entry.text });
  const content = place === undefined ? undefined : withSection(menu.script, place, printed(next));
  // What was derived from a text that GRUB takes is one that it takes: if not, nothing is written.
  if (place === undefined || content === undefined || readScript(content) === undefined) {
    const note = `the section of ${DROP_IN} in ${menu.path} is damaged: run grub-mkconfig first`;
    return nothingToEdit(note);
  }
  const number = entriesBefore(menu.script, place.from);
  if (defaultNumbers(menu.script, await environments(target)).some((one) => one >= number)) {
    const note = `the menu’s default is entry ${number} or a later one by its number, which a new entry would change: set it by its title first (grub-set-default)`;
    return nothingToEdit(note);
  }
  const edit = { path: menu.path, content, mode: menu.mode };
  if ((await target.stat(dirname(DROP_IN))) === undefined) {
    const note = `there is no ${dirname(DROP_IN)}: the entry is lost when ${menu.path} is regenerated`;
    return { title: entry.title, edits: [edit], notes: [note] };
  }
  const script = { path: DROP_IN, content: dropIn(next), mode: 0o755 };
  return { title: entry.title, edits: [script, edit], notes: [] };
}

/** What grub-set-default and grub-reboot write, beside each grub.cfg. */
async function environments(target: BootReads): Promise<readonly string[]> {
  const patterns = GRUB_CONFIGS.map((path) => path.replace(/grub\.cfg$/, 'grubenv'));
  const answers = await readConfigs(target, patterns);
  return answers.flatMap((answer) => ('file' in answer ? [answer.file.text] : []));
}

async function remove(target: BootReads, key: BootEntryKey): Promise<readonly FileEdit[]> {
  const edits: FileEdit[] = [];
  const script = await readConfig(target, DROP_IN);
  if (script !== undefined && 'file' in script) {
    const { text, mode } = script.file;
    const rest = rendered(text, key, dropIn);
    if (rest !== undefined) edits.push({ path: DROP_IN, content: rest, mode });
  }
  const { menus } = menusOf(await readConfigs(target, GRUB_CONFIGS));
  for (const menu of menus) {
    const section = ourSection(menu.script);
    if (section === undefined || section === 'damaged') continue;
    const rest = rendered(section.printed, key, printed);
    if (rest === undefined) continue;
    const content = withSection(menu.script, section, rest);
    edits.push({ path: menu.path, content, mode: menu.mode });
  }
  return edits;
}

/** Null where no entry is left; undefined where this one is not there, or the text is not ours alone. */
function rendered(text: string, key: BootEntryKey, render: typeof printed): string | null | undefined {
  const blocks = blocksOf(text);
  const rest = blocks === undefined ? undefined : withoutBlock(blocks, key);
  if (rest === undefined || rest.length === blocks?.length) return undefined;
  return rest.length === 0 ? null : render(rest);
}

/**
 * The numbers by which the menu may choose its default or its next entry: of grub.cfg's own `default`, and of what
 * grub-set-default and grub-reboot have left in grubenv. Names and ids are no matter: the new entry has its own. Of a
 * path such as `1>2` the first number counts.
 */
function defaultNumbers(script: Script, environments: readonly string[]): readonly number[] {
  const words = script.commands.flatMap(({ words }) => words.map((word) => literal(script, word) ?? ''));
  const saved = environments.flatMap((text) => text.split('\n'));
  return [
    ...words.map((word) => /^default=(\d{1,9})(?:>|$)/.exec(word)?.[1]),
    ...saved.map((line) => /^(?:saved|prev_saved|next)_entry=(\d{1,9})(?:>|$)/.exec(line)?.[1]),
  ].flatMap((number) => (number === undefined ? [] : [Number(number)]));
}

/** How many entries the menu has at its top before a place in the text. */
function entriesBefore(script: Script, place: number): number {
  const isEntry = ({ words: [first], parent }: Command): boolean =>
    parent === undefined &&
    first !== undefined &&
    first.from < place &&
    ['menuentry', 'submenu'].includes(literal(script, first) ?? '');
  return script.commands.filter(isEntry).length;
}
