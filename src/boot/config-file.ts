import { LIMITS } from '../limits.ts';
import { isCode } from '../machine/file-errors.ts';
import type { FileStat } from '../machine/port.ts';
import type { BootReads } from './entry.ts';

/** A loader's file, read whole so that it can be written again without a byte lost. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

export type ConfigAnswer = { readonly file: ConfigFile } | { readonly problem: string };

/** The files that patterns name, as `existing` has them; none that is larger than `longest` bytes. */
export async function readConfigs(
  target: BootReads,
  patterns: readonly string[],
  longest: number = LIMITS.menuBytes,
): Promise<readonly ConfigAnswer[]> {
  const paths = await existing(target, patterns);
  if (paths.length > LIMITS.menuFiles)
    return [{ problem: `${paths[0]} is one of more than ${LIMITS.menuFiles} files, which no boot menu has` }];
  const answers = await Promise.all(paths.map((path) => readConfig(target, path, longest)));
  return answers.filter((answer) => answer !== undefined);
}

/** Undefined where there is no such file. */
export async function readConfig(
  target: BootReads,
  path: string,
  longest: number = LIMITS.menuBytes,
): Promise<ConfigAnswer | undefined> {
  const status = await statOf(target, path);
  if (status === undefined) return undefined;
  if (status.type !== 'file') return { problem: `${path} is not a file` };
  if (status.size > longest) return { problem: `${path} is larger than a boot menu can be` };
  try {
    const bytes = await target.read(path, longest);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (text.includes('\0')) return { problem: `${path} is not a text` };
    return { file: { path, text, mode: status.mode } };
  } catch (error) {
    if (isCode(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) return { problem: `${path} is not UTF-8` };
    const reason = error instanceof Error ? error.message : String(error);
    return { problem: `${path} cannot be read: ${reason}` };
  }
}

/**
 * The paths that patterns such as `/boot/efi/EFI/*` + `/grub.cfg` name, one for each file: a link to a file that was
 * named before is left out.
 */
export async function existing(target: BootReads, patterns: readonly string[]): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const path of (await Promise.all(patterns.map((pattern) => expand(target, pattern)))).flat()) {
    if ((await statOf(target, path)) === undefined) continue;
    const file = await target.hostPath(path);
    if (!found.has(file)) found.set(file, path);
  }
  return [...found.values()];
}

/** What this user may not look at, such as an ESP of mode 0700, is not there; nor is a link that leads to itself. */
async function statOf(target: BootReads, path: string): Promise<FileStat | undefined> {
  try {
    return await target.stat(path);
  } catch {
    return undefined;
  }
}

/** At most one `*`, for a whole name or for its begin. */
async function expand(target: BootReads, pattern: string): Promise<readonly string[]> {
  const [folder = '', rest] = pattern.split('/*');
  if (rest === undefined) return [pattern];
  const [ending = '', ...below] = rest.split('/');
  try {
    const names = (await target.list(folder)).filter((name) => name.endsWith(ending));
    return names.map((name) => [folder, name, ...below].join('/'));
  } catch {
    // As for `statOf`.
    return [];
  }
}
