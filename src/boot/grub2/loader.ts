import { dirname } from 'node:path/posix';
import { type ConfigFile, existing, readConfig } from '../config-file.ts';
import {
  type BootEntryKey,
  type BootEntryPlan,
  type BootEntryRequest,
  type BootReads,
  type FileEdit,
  type Loader,
  nothingToEdit,
} from '../entry.ts';
import { defaultNumbers, entriesBefore } from './default-entry.ts';
import { blocksOf, DROP_IN, dropIn, printed, withBlock, withoutBlock } from './drop-in.ts';
import { fallbackEntry, type MenuEntry } from './menu-entry.ts';
import { nameOf, readScript, type Script } from './script.ts';
import { ourSection, sectionPlace, withSection } from './section.ts';

/**
 * Where grub.cfg is. Red Hat's before 8 have the whole menu on the ESP; Debian and later Red Hats have a stub there
 * that only leads to the other one.
 */
export const GRUB_CONFIGS: readonly string[] = [
  '/boot/efi/EFI/*/grub.cfg',
  '/boot/grub2/grub.cfg',
  '/boot/grub/grub.cfg',
];

const NAME = 'grub2';

/** GRUB 2: a drop-in for the next grub-mkconfig, and its very output in grub.cfg, so that nothing need be run now. */
export const grub2: Loader = { name: NAME, plan, remove };

interface Menu extends ConfigFile {
  readonly script: Script;
}

async function plan(target: BootReads, request: BootEntryRequest): Promise<BootEntryPlan | undefined> {
  const paths = await existing(target, GRUB_CONFIGS);
  if (paths.length === 0) return undefined;
  const { menus, problems } = await readMenus(target, paths);
  for (const menu of menus) {
    const entry = fallbackEntry(menu.script, request);
    if (entry !== undefined) return await planFor(target, menu, entry, request);
  }
  const none = `no entry of ${menus.map(({ path }) => path).join(', ') || 'the boot menu'} boots ${request.release} with ${request.image}`;
  return nothingToEdit(NAME, ...problems, none);
}

async function readMenus(
  target: BootReads,
  paths: readonly string[],
): Promise<{ readonly menus: readonly Menu[]; readonly problems: readonly string[] }> {
  const menus: Menu[] = [];
  const problems: string[] = [];
  for (const path of paths) {
    const answer = await readConfig(target, path);
    if (answer === undefined) continue;
    if ('problem' in answer) {
      problems.push(answer.problem);
      continue;
    }
    const script = readScript(answer.file.text);
    if (script === undefined) problems.push(`${path} has a quote or a block that never ends: left alone`);
    else if (!isStub(script)) menus.push({ ...answer.file, script });
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
  request: BootEntryRequest,
): Promise<BootEntryPlan> {
  const old = await readConfig(target, DROP_IN);
  if (old !== undefined && 'problem' in old) return nothingToEdit(NAME, old.problem);
  const blocks = blocksOf(old?.file.text ?? '');
  if (blocks === undefined) return nothingToEdit(NAME, `${DROP_IN} was changed by somebody else: left alone`);
  const place = sectionPlace(menu.script);
  const next = withBlock(blocks, { key: keyOf(request), text: entry.text });
  const content = place === undefined ? undefined : withSection(menu.script, place, printed(next));
  // What was derived from a text that GRUB takes is one that it takes: if not, nothing is written.
  if (place === undefined || content === undefined || readScript(content) === undefined)
    return nothingToEdit(
      NAME,
      `the section of ${DROP_IN} in ${menu.path} is damaged: run grub-mkconfig first`,
    );
  const number = entriesBefore(menu.script, place.from);
  if (defaultNumbers(menu.script, await environments(target)).some((one) => one >= number))
    return nothingToEdit(
      NAME,
      `the menu’s default is entry ${number} or a later one by its number, which a new entry would change: set it by its title first (grub-set-default)`,
    );
  const edit = { path: menu.path, content, mode: menu.mode };
  if ((await target.stat(dirname(DROP_IN))) === undefined) {
    const note = `there is no ${dirname(DROP_IN)}: the entry is lost when ${menu.path} is regenerated`;
    return { loader: NAME, title: entry.title, edits: [edit], notes: [note] };
  }
  const script = { path: DROP_IN, content: dropIn(next), mode: 0o755 };
  return { loader: NAME, title: entry.title, edits: [script, edit], notes: [] };
}

/** What grub-set-default and grub-reboot write, beside each grub.cfg. */
async function environments(target: BootReads): Promise<readonly string[]> {
  const patterns = GRUB_CONFIGS.map((path) => path.replace(/grub\.cfg$/, 'grubenv'));
  const answers = await Promise.all(
    (await existing(target, patterns)).map((path) => readConfig(target, path)),
  );
  return answers.flatMap((answer) => (answer !== undefined && 'file' in answer ? [answer.file.text] : []));
}

async function remove(target: BootReads, key: BootEntryKey): Promise<readonly FileEdit[]> {
  const edits: FileEdit[] = [];
  const script = await readConfig(target, DROP_IN);
  if (script !== undefined && 'file' in script) {
    const { text, mode } = script.file;
    const rest = rendered(text, key, dropIn);
    if (rest !== undefined) edits.push({ path: DROP_IN, content: rest, mode });
  }
  const { menus } = await readMenus(target, await existing(target, GRUB_CONFIGS));
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

function keyOf({ release, generation }: BootEntryKey): BootEntryKey {
  return { release, generation };
}
