import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readModule } from '../src/flow/read-module.ts';
import { packageRoot } from '../src/package-root.ts';
import { MODULES_FOLDER } from '../src/target/paths.ts';
import type { Target } from '../src/target/port.ts';
import { loadOrder, moduleName } from './module-order.ts';

export interface InitramfsParts {
  /** The guest's tree. */
  readonly guest: string;
  readonly release: string;
  /** A module's file that takes the place of the guest's own, by its name. */
  readonly instead?: Readonly<Record<string, string>>;
  /** How many writes the guest tries, one a second. */
  readonly writes: number;
}

/**
 * What a root disk behind the adapter needs. ext4 and the block layer find their checksums by name when they run, so no
 * index says that they need them.
 */
const MODULES = ['crc32c_generic', 'crct10dif_generic', 'sd_mod', 'mptsas', 'ext4'];

/** Makes the initramfs in a folder of its own; answers its path. */
export async function makeInitramfs(machine: Target, folder: string, parts: InitramfsParts): Promise<string> {
  const tree = join(folder, 'tree');
  const modules = join(parts.guest, MODULES_FOLDER, parts.release);
  await mkdir(join(tree, 'modules'), { recursive: true });
  await addProgram(machine, tree, '/bin/busybox');
  await addWatch(machine, tree);
  await writeFile(join(tree, 'init'), await readFile(join(import.meta.dirname, 'guest-init.sh')), {
    mode: 0o755,
  });
  await writeFile(join(tree, 'writes'), `${parts.writes}\n`);
  const order = loadOrder(await readFile(join(modules, 'modules.dep'), 'utf8'), MODULES);
  for (const file of order) {
    const path = parts.instead?.[moduleName(file)] ?? join(modules, file);
    await writeFile(join(tree, 'modules', `${moduleName(file)}.ko`), (await readModule(machine, path)).bytes);
  }
  await writeFile(
    join(tree, 'modules/order'),
    `${order.map((file) => `${moduleName(file)}.ko`).join('\n')}\n`,
  );
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

/** Node with the bundle, and the watch in sh for guests without it. */
async function addWatch(machine: Target, tree: string): Promise<void> {
  const place = join(tree, 'mptfix');
  await addProgram(machine, tree, process.execPath, '/mptfix/node');
  for (const part of ['bin', 'dist', 'package.json'])
    await cp(join(packageRoot(), part), join(place, part), { recursive: true });
  await copyFile(join(packageRoot(), 'src/watch/sh/mptfix-watch.sh'), join(place, 'mptfix-watch.sh'));
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
