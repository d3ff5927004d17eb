import { decompressModule, moduleFormat } from '../elf/compression.ts';
import { failure } from '../errors.ts';
import type { Answer, IndexForm } from '../guest/index/forms.ts';
import { type IndexTools, indexFiles, indexTools } from '../guest/index/tools.ts';
import { filterTool, modulePaths, readModule } from '../guest/module-file.ts';
import type { Target } from '../machine/port.ts';
import { typedForGuest } from '../typed.ts';
import { indexDifference } from './index-traits.ts';
import type { Placement } from './placements.ts';

/** Which tools read the guest's index of this kernel. Throws E_INDEX where that cannot be told. */
export async function requireIndexTools(target: Target, release: string): Promise<IndexTools> {
  const tools = await indexTools(target, release);
  if (!('problem' in tools)) return tools;
  throw failure(
    'E_INDEX',
    `mptfix cannot tell which depmod and modprobe the guest has: ${tools.problem}`,
    'give --root the folder that holds all of the guest, with its /sbin and its package database',
  );
}

/**
 * Throws E_INDEX where the guest's modprobe would not load the driver by the index as it is now, and this machine's depmod
 * must not mend that: it writes a form that old tools cannot read.
 */
export async function requireReadableIndex(target: Target, release: string, module: string): Promise<void> {
  const tools = await requireIndexTools(target, release);
  if (tools.form.isOurs) return;
  const answer = await readIndexAs(tools, target, release, module);
  if (!('problem' in answer)) return;
  throw failure(
    'E_INDEX',
    `the guest’s modprobe (${tools.evidence}) cannot use the module index of ${release}: ${answer.problem}`,
    `rebuild it with the guest’s own depmod first: ${typedForGuest(['depmod', '-a', release])}`,
  );
}

/** What the guest's modprobe would open for a module by the index as it is now; every file of that must be there. */
export async function readIndexAs(
  { form }: IndexTools,
  target: Pick<Target, 'read' | 'readText' | 'stat'>,
  release: string,
  module: string,
): Promise<Answer> {
  const answer = form.read(await indexFiles(target, release), module);
  if ('problem' in answer) return answer;
  for (const file of [answer.file, ...answer.needs])
    if ((await target.stat(file))?.type !== 'file') return { problem: `there is no file ${file}` };
  return answer;
}

/** A new module for the place of another, or beside it. */
export interface NewModule {
  readonly release: string;
  readonly name: string;
  /** Of the one that it replaces. */
  readonly path: string;
  /** As it will be stored, packed or not. */
  readonly bytes: Uint8Array;
  readonly placement: Placement;
}

/** What becomes of the index, and why, in words. */
export interface Indexing {
  readonly how: 'unchanged' | 'depmod';
  readonly form: IndexForm['id'];
  readonly why: string;
}

/**
 * Whether the index fits the new module as it is: in place, with the same dependencies, exports and aliases, and the guest's
 * modprobe finds it and all that it needs. Reads only. Throws E_INDEX where the index must be rebuilt and nothing at hand
 * writes it in the guest's form.
 */
export async function indexingOf(target: Target, module: NewModule): Promise<Indexing> {
  const { release, name } = module;
  const tools = await requireIndexTools(target, release);
  const reason = (await moduleReason(target, module)) ?? (await indexReason(target, tools, module));
  if (reason === undefined) {
    return {
      how: 'unchanged',
      form: tools.form.id,
      why: `the module index was left as it is: the new ${name} has the place, dependencies, exports and aliases of the old one`,
    };
  }
  if (!tools.form.isOurs) await requireGuestDepmod(target, tools, release, reason);
  return { how: 'depmod', form: tools.form.id, why: reason };
}

async function moduleReason(
  target: Target,
  { path, bytes, placement }: NewModule,
): Promise<string | undefined> {
  if (placement === 'updates') return 'the new module lies in updates/';
  const fresh = await decompressModule(bytes, moduleFormat(bytes), filterTool(target));
  const difference = indexDifference((await readModule(target, path)).bytes, fresh);
  return difference === undefined ? undefined : `the new module has other ${difference}`;
}

async function indexReason(
  target: Target,
  tools: IndexTools,
  { release, name, path }: NewModule,
): Promise<string | undefined> {
  const answer = await readIndexAs(tools, target, release, name);
  if ('problem' in answer) return `the present index does not do: ${answer.problem}`;
  const { text = '' } = await indexFiles(target, release);
  const isAlone = answer.file === path && modulePaths(text, release, name).length === 1;
  return isAlone ? undefined : `the present index gives ${answer.file}`;
}

async function requireGuestDepmod(
  target: Target,
  { form, evidence }: IndexTools,
  release: string,
  why: string,
): Promise<void> {
  if (form.indexesFolders && (await target.findInside('depmod')) !== undefined) return;
  throw failure(
    'E_INDEX',
    `${why}, so the module index of ${release} must be rebuilt, and nothing here writes it as the guest’s modprobe reads it (${evidence})`,
    'give --root the folder that holds all of the guest, with its own depmod',
  );
}
