import { basename, dirname } from 'node:path/posix';
import isBefore from 'semver/functions/lt.js';
import { LIMITS } from '../limits.ts';
import { linesOf } from '../lines.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { TargetReads } from '../machine/port.ts';
import { kernelBase } from '../versions/kernel-base.ts';
import { isModuleFile, OWN_FOLDERS } from './module-file.ts';

type Reads = Pick<TargetReads, 'readText' | 'readLink' | 'list' | 'stat' | 'lstat'>;

export interface ModuleTreeProblem {
  /** `refuse`: a change would make it worse or could not be proven. `warn`: the guest boots anyway. */
  readonly severity: 'refuse' | 'warn';
  /** One line for a person. */
  readonly text: string;
}

/** Files that the kernel's own build leaves in the folder, and since when. Source: the kernel's top Makefile. */
const BUILD_FILES: readonly { readonly name: string; readonly since: string }[] = [
  { name: 'modules.order', since: '2.6.25' },
  { name: 'modules.builtin', since: '2.6.33' },
];

/**
 * What a careful engineer checks before replacing a module of this kernel: the folder, its index, the driver and all that
 * it needs. `driver`: the module's name. Empty where all is well.
 */
export async function moduleTreeProblems(
  target: Reads,
  release: string,
  driver: string,
): Promise<readonly ModuleTreeProblem[]> {
  const folder = `${MODULES_FOLDER}/${release}`;
  const broken = await folderProblem(target, folder);
  if (broken !== undefined) return [refuse(broken)];
  const index = await readIndex(target, folder);
  if ('problem' in index) return [refuse(index.problem), ...(await buildFiles(target, folder, release))];
  const files = filesOf(index, driver);
  const asked: Question = { target, folder, index, driver, files };
  return [
    ...(await driverFiles(asked)),
    ...(await unknownFiles(asked)),
    ...(await olderThanChange(asked)),
    ...(await buildFiles(target, folder, release)),
  ];
}

/** The driver's file, and those that it needs. */
function filesOf({ needs }: Index, driver: string): readonly string[] {
  for (const [file, others] of needs) if (isModuleFile(basename(file), driver)) return [file, ...others];
  return [];
}

interface Question {
  readonly target: Reads;
  readonly folder: string;
  readonly index: Index;
  readonly driver: string;
  /** The driver's, which may be in the index or not, and those that it needs. */
  readonly files: readonly string[];
}

const refuse = (text: string): ModuleTreeProblem => ({ severity: 'refuse', text });
const warn = (text: string): ModuleTreeProblem => ({ severity: 'warn', text });

async function folderProblem(target: Reads, folder: string): Promise<string | undefined> {
  const status = await statOf(target, folder);
  if (status?.type === 'directory') return undefined;
  const link = await target.readLink(folder);
  if (link !== undefined && status === undefined)
    return `${folder} is a link to ${JSON.stringify(link)}, which does not exist`;
  return status === undefined ? `there is no ${folder}` : `${folder} is not a folder`;
}

interface Index {
  readonly path: string;
  /** Seconds. */
  readonly mtime: number;
  /** A module's file → the files of those that it needs, all as whole paths. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
}

async function readIndex(target: Reads, folder: string): Promise<Index | { readonly problem: string }> {
  const path = `${folder}/modules.dep`;
  const status = await statOf(target, path);
  const depmod = 'run depmod for this kernel';
  if (status === undefined) return { problem: `there is no ${path}: ${depmod}` };
  if (status.type !== 'file' || status.size > LIMITS.moduleIndexBytes)
    return { problem: `${path} is not a module index` };
  const text = await target.readText(path, LIMITS.textBytes);
  if (text === undefined) return { problem: `${path} cannot be read` };
  if (text.trim() === '') return { problem: `${path} is empty: ${depmod}` };
  const needs = new Map<string, readonly string[]>();
  // modutils of Linux 2.4 wraps its lines with a backslash.
  let number = 0;
  for (const line of linesOf(text.replaceAll(/\\\r?\n/g, ' '))) {
    number += 1;
    if (line.trim() === '') continue;
    const names = indexEntry(line);
    if (names === undefined)
      return { problem: `${path}, entry ${number}, is not one of depmod’s: ${depmod}` };
    const [file = '', ...others] = names.map((name) => (name.startsWith('/') ? name : `${folder}/${name}`));
    needs.set(file, others);
    if (needs.size > LIMITS.kernelModules || others.length > LIMITS.kernelModules)
      return { problem: `${path} lists more than ${LIMITS.kernelModules} modules, which no kernel has` };
  }
  // A write that was cut off ends within a line.
  if (!text.endsWith('\n')) return { problem: `${path} ends in the middle of a line: ${depmod}` };
  return { path, mtime: Number(status.mtime), needs };
}

/** A module's file and those that it needs, of a line of modules.dep; undefined for a line that depmod does not write. */
function indexEntry(line: string): readonly string[] | undefined {
  const colon = line.indexOf(':');
  const rest = line.slice(colon + 1);
  // Blanks and tabs alone stand between names: other white space is in none.
  const plain = /^(?:[ \t]|$)/.test(rest) && !/[^\S \t]/.test(rest);
  if (colon < 0 || !plain || !/^\S+\.k?o(?:\.[a-z0-9]+)?$/.test(line.slice(0, colon))) return undefined;
  return [line.slice(0, colon), ...rest.split(/[ \t]+/).filter(Boolean)];
}

async function driverFiles(asked: Question): Promise<readonly ModuleTreeProblem[]> {
  const { target, index, driver, files } = asked;
  if (files.length > LIMITS.moduleNeeds)
    return [
      refuse(`${index.path} lists ${files.length - 1} modules that ${driver} needs, which is impossible`),
    ];
  if (files.length === 0)
    return [refuse(`${index.path} does not list ${driver}: run depmod for this kernel`)];
  const problems: ModuleTreeProblem[] = [];
  for (const path of files) {
    const status = await statOf(target, path);
    const needed = path === files[0] ? '' : `, which ${driver} needs`;
    if (status === undefined) problems.push(refuse(`${path}${needed}, is in the index but not on disk`));
    else if (status.type !== 'file') problems.push(refuse(`${path}${needed}, is not a file`));
    else if (status.size === 0)
      problems.push(refuse(`${path}${needed}, is empty: its package was not fully unpacked`));
    if (!index.needs.has(path))
      problems.push(refuse(`${path}${needed}, has no entry of its own in the index`));
  }
  return problems;
}

/** Another module of this name that depmod has not seen yet: its next run may change which one is loaded. */
async function unknownFiles(asked: Question): Promise<readonly ModuleTreeProblem[]> {
  const { target, folder, index, driver, files } = asked;
  const own = OWN_FOLDERS.map((name) => `${folder}/${name}`);
  const folders = new Set([...own, ...files.slice(0, 1).map((file) => dirname(file))]);
  const problems: ModuleTreeProblem[] = [];
  for (const place of folders) {
    for (const name of await target.list(place)) {
      if (!isModuleFile(name, driver) || index.needs.has(`${place}/${name}`)) continue;
      problems.push(
        refuse(
          `${place}/${name} is another ${driver}, which the index does not list: run depmod, and check which one is right`,
        ),
      );
    }
  }
  return problems;
}

/** A folder's time shows that a file was added or removed; an unpacked file has its package's time. */
async function olderThanChange(asked: Question): Promise<readonly ModuleTreeProblem[]> {
  const { target, folder, index, files } = asked;
  const own = OWN_FOLDERS.map((name) => `${folder}/${name}`);
  const places = new Set([...own, ...files, ...files.map((path) => dirname(path))]);
  for (const place of places) {
    const status = await statOf(target, place);
    if (status !== undefined && Number(status.mtime) > index.mtime)
      return [warn(`${place} was changed after depmod built the index: the index may be out of date`)];
  }
  return [];
}

async function buildFiles(
  target: Reads,
  folder: string,
  release: string,
): Promise<readonly ModuleTreeProblem[]> {
  const base = kernelBase(release)?.base;
  if (base === undefined) return [];
  const problems: ModuleTreeProblem[] = [];
  for (const { name, since } of BUILD_FILES) {
    if (isBefore(base, since) || (await statOf(target, `${folder}/${name}`)) !== undefined) continue;
    problems.push(warn(`there is no ${folder}/${name}: the kernel’s package is incomplete`));
  }
  return problems;
}

/** A link that leads to itself counts as missing. */
function statOf(target: Reads, path: string): ReturnType<TargetReads['stat']> {
  return target.stat(path).catch(() => undefined);
}
