import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { snapshot } from './debian-tree.ts';

/** This machine as podman and buildah see it from a store of images in a folder, and without a network. */
export interface ImageMachine {
  /** What stands before a program that is to see it so. */
  readonly prefix: readonly string[];
  buildah(...words: readonly string[]): string;
  /** Makes the image NAME of a system's tree; `base` is the image that it is added to. */
  add(name: string, tree: string, base?: string, config?: readonly string[]): void;
  /** All that is in the store, by the engine's own word and by the files' names, and what is mounted there. */
  state(): readonly string[];
  dispose(): void;
}

/** Made in a folder, which need not be there yet. */
export function imageMachine(folder: string): ImageMachine {
  const settings = join(folder, 'containers');
  mkdirSync(folder, { recursive: true });
  cpSync('/etc/containers', settings, { recursive: true });
  const store = join(folder, 'store');
  const lines = [
    '[storage]',
    'driver = "vfs"',
    `graphroot = "${store}"`,
    `runroot = "${join(folder, 'run')}"`,
  ];
  writeFileSync(join(settings, 'storage.conf'), `${lines.join('\n')}\n`);
  const enter = 'mount --bind "$0" /etc/containers && exec "$@"';
  const prefix = ['unshare', '--mount', '--net', 'sh', '-c', enter, settings];
  const run = (...words: readonly string[]): string => {
    const [file = '', ...rest] = [...prefix, ...words];
    return execFileSync(file, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const buildah = (...words: readonly string[]): string => run('buildah', ...words).trim();
  return {
    prefix,
    buildah,
    add: (name, tree, base = 'scratch', config = []) => {
      const container = buildah('from', '--pull=never', base);
      buildah('add', '--quiet', container, tree, '/');
      if (config.length > 0) buildah('config', ...config, container);
      buildah('commit', '--quiet', '--rm', container, name);
    },
    state: () => [
      buildah('images', '--all', '--format', '{{.ID}} {{.Name}}'),
      buildah('containers', '--all', '--format', '{{.ContainerID}} {{.ContainerName}}'),
      run('find', store, '-maxdepth', '3', '-path', '*vfs*').trim(),
      run('sh', '-c', 'grep -F "$0" /proc/mounts || :', folder).trim(),
    ],
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What of a Debian system no compiler needs, the headers with their programs among it. */
const NOT_FOR_COMPILING = [
  ...['boot', 'var', 'usr/share', 'usr/src', 'lib/modules', 'usr/lib/modules'],
  ...['usr/lib/linux-kbuild-*', 'usr/lib/gcc/*/*/lto1', 'usr/lib/gcc/*/*/*san*', 'usr/lib/gcc/*/*/*.a'],
];

/** A small copy of a Debian tree that still compiles kernels; it shares its files with the tree. */
export function toolchainOf(tree: string): { readonly root: string; dispose(): void } {
  const copy = snapshot(tree);
  const remove = `cd "$0" && rm -rf ${NOT_FOR_COMPILING.join(' ')} && mkdir -p var/tmp`;
  execFileSync('sh', ['-c', remove, copy.root]);
  return copy;
}

/** What the stages that run mptfix need beside Node, as the head of Dockerfile.build says: of binutils, util-linux, tar and xz. */
const PROGRAMS = [
  'sh',
  'strip',
  'flock',
  'setpriv',
  'unshare',
  'xz',
  'tar',
  'cat',
  'cp',
  'du',
  'chmod',
  'find',
  'rm',
];

/** Makes a tree of programs of this machine, each at the path given for it, and their libraries. */
function programTree(folder: string, programs: ReadonlyMap<string, string>): void {
  for (const name of ['bin', 'lib', 'lib64']) {
    mkdirSync(join(folder, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(folder, name));
  }
  for (const name of ['tmp', 'var/tmp', 'proc', 'dev', 'sys', 'etc'])
    mkdirSync(join(folder, name), { recursive: true });
  const copies = new Map(programs);
  for (const path of programs.keys()) {
    const libraries = execFileSync('ldd', [path], { encoding: 'utf8' }).match(/\/\S+(?= \(0x)/g) ?? [];
    for (const library of libraries) copies.set(library, library);
  }
  for (const [from, to] of copies) {
    const target = join(folder, to);
    mkdirSync(dirname(target), { recursive: true });
    if (!existsSync(target)) copyFileSync(from, target);
  }
}

/** Makes a tree with Node and what else the stages need that run mptfix. */
export function nodeTree(folder: string): string {
  const programs = PROGRAMS.map((name): [string, string] => {
    const found = execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
    return [found, `/usr/bin/${name}`];
  });
  programTree(folder, new Map([...programs, [process.execPath, '/usr/bin/node']]));
  return folder;
}

/** Makes a tree of one program, busybox, which is its shell and all that the shell runs, and of scripts in its /bin. */
export function busyboxTree(folder: string, scripts: Readonly<Record<string, string>> = {}): string {
  programTree(folder, new Map([['/bin/busybox', '/usr/bin/busybox']]));
  for (const name of ['sh', 'cat', 'cp', 'mkdir', 'rm', 'sleep', 'ln', 'mkfifo', 'dd', 'wc'])
    symlinkSync('busybox', join(folder, 'bin', name));
  for (const [name, text] of Object.entries(scripts))
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return folder;
}

/** A private folder in which images fit: on a disk, as each is copied several times. */
export function imageFolder(): string {
  const folder = mkdtempSync('/var/tmp/mptfix-image-');
  execFileSync('chmod', ['755', folder]);
  return folder;
}
