import { join } from 'node:path';
import { DRIVER_FOLDER } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import { LIMITS } from '../limits.ts';
import type { Argv, Bind } from '../machine/program.ts';
import type { Workspace } from '../work/workspace.ts';
import type { BuildFolder } from './build-sandbox.ts';
import { mayBeEdited, privatelyEdited } from './private-edits.ts';
import { makeModule, type Recipe } from './recipes.ts';
import { makeProgram } from './toolchain/named-tools.ts';

interface Building {
  readonly workspace: Workspace;
  readonly headers: Pick<Headers, 'folder' | 'binds' | 'version'>;
  readonly makeVars?: readonly string[];
}

/** One call of make. */
export interface Order {
  readonly command: Argv;
  /** What it may write to, with its temporary files: the driver's folder, or the whole tree. */
  readonly folder: BuildFolder;
  /** Where make sees that folder. */
  readonly seenAt: string;
  /** How make is told of it: that path, or the one below the tree. */
  readonly called: string;
  /** What it may only read. */
  readonly readOnly: readonly Bind[];
  /** What the folder may come to have. */
  readonly maxBytes: number;
}

/** One path for every build: it may be in the code. */
export const MODULE_LABEL = 'module';

/** Where make sees the driver's folder, and how it is called. */
export async function orderFor(
  { workspace, headers, makeVars = [] }: Building,
  recipe: Recipe,
  folder: BuildFolder,
): Promise<Order> {
  const isInTree = recipe.place === 'in tree' && (await hasDriverFolder(workspace, headers));
  const seenAt = isInTree ? join(headers.folder, DRIVER_FOLDER) : folder.to;
  const called = isInTree ? DRIVER_FOLDER : seenAt;
  const paths = { make: makeProgram(makeVars), headers: headers.folder, folder: called };
  const command = [...makeModule(recipe, paths), ...makeVars] as const;
  const readOnly = [...headers.binds, ...(await editedMakefiles(workspace, headers))];
  return { command, folder, seenAt, called, readOnly, maxBytes: LIMITS.moduleBuildBytes };
}

/** Makefiles that today's make refuses are shown as edited copies, over those of the headers. */
async function editedMakefiles(
  { machine, own, writeOwn }: Workspace,
  { binds, version }: Building['headers'],
): Promise<readonly Bind[]> {
  const edited: Bind[] = [];
  if (!mayBeEdited(version)) return edited;
  for (const { from, to } of binds) {
    const path = join(from, 'Makefile');
    if ((await machine.lstat(path))?.type !== 'file') continue;
    const text = await machine.readText(path, LIMITS.sourceBytes);
    const edit = privatelyEdited(version, 'Makefile', text ?? '');
    if (edit === undefined) continue;
    const copy = own('edited', to, 'Makefile');
    await writeOwn(copy, Buffer.from(edit.text));
    edited.push({ from: copy, to: join(to, 'Makefile') });
  }
  return edited;
}

/** A sandbox cannot show anything at a place that a read-only folder does not have. */
async function hasDriverFolder(
  { machine }: Pick<Workspace, 'machine'>,
  { folder, binds }: Building['headers'],
): Promise<boolean> {
  const from = binds.findLast(({ to }) => to === folder)?.from;
  return from !== undefined && (await machine.lstat(join(from, DRIVER_FOLDER)))?.type === 'directory';
}
