import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validRange } from 'semver';
import { failure } from '../../errors.ts';
import { defined } from '../../optional.ts';
import { packageRoot } from '../../package-root.ts';
import { parseUnified, type UnifiedDiff } from './unified.ts';

/** A diff of the project's `patches` folder. */
export interface StoredPatch {
  /** The file's name without `.patch`. */
  readonly name: string;
  readonly title: string;
  /** Kernels by their base version, as a semver range. */
  readonly kernels: string;
  /** Whose kernels; undefined for all. */
  readonly distro?: string;
  /** The driver's file that it changes. */
  readonly file: DriverFile;
  /** The commit of mainline that made the same change. */
  readonly upstream: string;
  readonly license: string;
  readonly diff: UnifiedDiff;
}

export type DriverFile = 'mptscsih.c' | 'mptscsi.c';

const REQUIRED = ['Title', 'Kernels', 'File', 'Upstream', 'License'] as const;
const OPTIONAL = ['Distro'];

/**
 * Reads one stored diff with its header. The diffs come with the program, so a bad one throws E_INTERNAL, with the
 * file's name and all its problems.
 */
export function parseStored(name: string, text: string): StoredPatch {
  const problems: string[] = [];
  let parsed: ReturnType<typeof parseUnified> | undefined;
  try {
    parsed = parseUnified(text);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const fields = new Map<string, string>();
  for (const line of parsed?.preamble ?? []) {
    const [, key, value] = /^([A-Z][a-z]+): *(.*\S) *$/.exec(line) ?? [];
    if (key === undefined || value === undefined) {
      if (line !== '') problems.push(`'${line.slice(0, 40)}' is not a 'Key: value'`);
    } else if (!OPTIONAL.includes(key) && !REQUIRED.some((known) => known === key))
      problems.push(`${key}: is not known`);
    else if (fields.has(key)) problems.push(`${key}: is given twice`);
    else fields.set(key, value);
  }
  const field = (key: string): string => fields.get(key) ?? '';
  for (const key of REQUIRED) if (!fields.has(key)) problems.push(`${key}: is missing`);
  if (fields.has('Kernels') && validRange(field('Kernels')) === null)
    problems.push('Kernels: is not a semver range');
  if (fields.has('Upstream') && !/^[0-9a-f]{40}$/.test(field('Upstream')))
    problems.push('Upstream: is not a commit');
  const stated = field('File');
  const file = stated === 'mptscsih.c' || stated === 'mptscsi.c' ? stated : undefined;
  if (fields.has('File') && file === undefined) problems.push('File: is neither mptscsih.c nor mptscsi.c');
  if (problems.length > 0 || parsed === undefined || file === undefined) {
    throw failure('E_INTERNAL', `patches/${name}.patch: ${problems.join('; ')}`, 'reinstall mptfix');
  }
  return {
    name,
    title: field('Title'),
    kernels: field('Kernels'),
    ...defined({ distro: fields.get('Distro') }),
    file,
    upstream: field('Upstream'),
    license: field('License'),
    diff: parsed.diff,
  };
}

/** All stored diffs, by name; mptfix's own patches/ by default. */
export function loadCatalogue(folder: string = join(packageRoot(), 'patches')): readonly StoredPatch[] {
  return readdirSync(folder)
    .filter((entry) => entry.endsWith('.patch'))
    .sort()
    .map((entry) => parseStored(entry.slice(0, -'.patch'.length), readFileSync(join(folder, entry), 'utf8')));
}
