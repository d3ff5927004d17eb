import { chmod, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readModule } from '../../src/guest/module-file.ts';
import { MODULES_FOLDER } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';
import { packageRoot } from '../../src/package-root.ts';

export interface InitramfsParts {
  /** The guest's tree, which has the modules. */
  readonly guest: string;
  readonly release: string;
  /** Names of the modules to load, in order; what they need is added. */
  readonly modules: readonly string[];
  /** A module's file that replaces the guest's own, by its name. */
  readonly instead?: Readonly<Record<string, string>> | undefined;
  /** The script that runs once the modules are loaded. */
  readonly script: string;
  /** Contents of further files, by path from /. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files of this machine that are copied, by path from /. */
  readonly copies?: Readonly<Record<string, string>>;
  /** Further programs of this machine, by their whole path. */
  readonly programs?: readonly string[];
  /** The guest's busybox, if this machine's does not run there. */
  readonly busybox?: string | undefined;
  /** False: without Node and mptfix, which an old kernel or another processor does not run. */
  readonly node?: boolean;
}

/**
 * What any disk behind the adapter needs. The block layer looks up its checksums by name at run time, so no index lists
 * them.
 */
export const DISK_MODULES = ['crc32c_generic', 'crct10dif_generic', 'sd_mod', 'mptsas'] as const;

/** Builds the initramfs in a folder of its own, always with the watch in sh; returns its path. */
export async function makeInitramfs(machine: Target, folder: string, parts: InitramfsParts): Promise<string> {
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'modules'), { recursive: true });
  await addProgram(machine, tree, parts.busybox ?? '/bin/busybox', '/bin/busybox');
  for (const program of parts.programs ?? []) await addProgram(machine, tree, program);
  if (parts.node !== false) await addNode(machine, tree);
  await mkdir(join(tree, 'mptfix'), { recursive: true });
  await copyFile(
    join(packageRoot(), 'src/watch/sh/mptfix-watch.sh'),
    join(tree, 'mptfix', 'mptfix-watch.sh'),
  );
  await copyFile(join(import.meta.dirname, 'init.sh'), join(tree, 'init'));
  await chmod(join(tree, 'init'), 0o755);
  await copyFile(parts.script, join(tree, 'script.sh'));
  for (const [path, content] of Object.entries(parts.files ?? {})) await writeFile(join(tree, path), content);
  for (const [path, from] of Object.entries(parts.copies ?? {})) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await copyFile(from, join(tree, path));
  }
  await addModules(machine, tree, parts);
  const names = await machine.run(['find', '.', '-print0'], { effect: 'read', cwd: tree });
  const packed = await machine.run(
    ['cpio', '--quiet', '--null', '--create', '--format=newc', '--owner=0:0'],
    {
      effect: 'read',
      cwd: tree,
      input: names.stdout,
    },
  );
  if (packed.status !== 0) throw new Error(`cpio failed: ${packed.stderr}`);
  const image = join(dirname(tree), 'initramfs');
  await writeFile(image, packed.stdout);
  return image;
}

async function addModules(machine: Target, tree: string, parts: InitramfsParts): Promise<void> {
  const modules = join(parts.guest, MODULES_FOLDER, parts.release);
  const order = loadOrder(await readFile(join(modules, 'modules.dep'), 'utf8'), parts.modules);
  for (const file of order) {
    const path = parts.instead?.[moduleName(file)] ?? join(modules, file);
    await writeFile(join(tree, 'modules', `${moduleName(file)}.ko`), (await readModule(machine, path)).bytes);
  }
  const lines = order.map((file) => `${moduleName(file)}.ko\n`);
  await writeFile(join(tree, 'modules/order'), lines.join(''));
}

/** Node with the bundle. */
async function addNode(machine: Target, tree: string): Promise<void> {
  const place = join(tree, 'mptfix');
  await addProgram(machine, tree, process.execPath, '/mptfix/node');
  for (const part of ['bin', 'dist', 'package.json'])
    await cp(join(packageRoot(), part), join(place, part), { recursive: true });
}

/** Debian has a static busybox and a dynamic one, and only one of them can be installed: this takes either. */
async function addProgram(machine: Target, tree: string, program: string, name = program): Promise<void> {
  const { stdout } = await machine.run(['ldd', program], { effect: 'read' });
  const libraries = [...stdout.toString('utf8').matchAll(/(?:^|\s)(\/\S+) \(0x/g)].map(
    ([, path = '']) => path,
  );
  for (const [from, to] of [[program, name] as const, ...libraries.map((path) => [path, path] as const)]) {
    await mkdir(dirname(join(tree, to)), { recursive: true });
    await copyFile(from, join(tree, to));
  }
}

/** Names of modules, of which kernels have one, or for the ones that are `optional` also none. */
export interface WantedModule {
  readonly anyOf: readonly string[];
  readonly optional?: boolean;
}

/** Those that a modules.dep lists: the first of each. Throws where it lists none of one that is not optional. */
export function chosenModules(modulesDep: string, wanted: readonly WantedModule[]): readonly string[] {
  const listed = new Set(modulesDep.split('\n').map((line) => moduleName(line.split(':')[0] ?? '')));
  return wanted.flatMap(({ anyOf, optional }) => {
    const found = anyOf.find((name) => listed.has(name));
    if (found === undefined && optional !== true)
      throw new Error(`modules.dep does not list ${anyOf.join(' or ')}`);
    return found ?? [];
  });
}

/**
 * The modules' files in the order in which insmod must load them, from a modules.dep: what a module needs comes first.
 * Throws where the index lacks a module.
 */
export function loadOrder(modulesDep: string, names: readonly string[]): readonly string[] {
  const entries = modulesDep.split('\n').flatMap((line) => {
    const [file, needs] = line.split(':');
    return file === undefined || needs === undefined
      ? []
      : [{ file, needs: needs.split(' ').filter(Boolean) }];
  });
  const ordered: string[] = [];
  const add = (file: string): void => {
    if (!ordered.includes(file)) ordered.push(file);
  };
  for (const name of names) {
    const entry = entries.find(({ file }) => moduleName(file) === name);
    if (entry === undefined) throw new Error(`modules.dep does not list ${name}`);
    // depmod lists the direct needs first.
    for (const file of [...entry.needs].reverse()) add(file);
    add(entry.file);
  }
  return ordered;
}

/** `mptscsih` of `kernel/drivers/message/fusion/mptscsih.ko.xz`. */
function moduleName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.ko(?:\.\w+)?$/, '');
}
