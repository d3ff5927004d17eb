import { join } from 'node:path';
import { type Entries, sh, temporary } from '../../machine/temporary.ts';

export const TOP = 'linux-6.1';
export const FUSION = `${TOP}/drivers/message/fusion`;

/** Text of so many bytes that differs from file to file and from line to line. */
export function text(name: string, bytes: number): string {
  let lines = '';
  for (let line = 0; lines.length < bytes; line++) lines += `/* ${name}, line ${line} */\n`;
  return lines.slice(0, bytes);
}

/** Files of a tree as a kernel's is, with names that the orders of archives treat differently. */
export function kernelTree(driverBytes = 3000): Entries {
  const tree: Record<string, string> = {
    [`${TOP}/.clang-format`]: 'BasedOnStyle: LLVM\n',
    [`${TOP}/COPYING`]: 'GPL\n',
    [`${TOP}/Makefile`]: `VERSION = 6\nPATCHLEVEL = 1\n${text('Makefile', 5000)}`,
    [`${TOP}/Makefile.extra`]: 'not the top one\n',
    [`${TOP}/drivers/message/Makefile`]: 'obj-y += fusion/\n',
    [`${TOP}/drivers/message/other/fusion/mptscsih.c`]: 'not the driver\n',
  };
  for (let file = 10; file < 40; file++) {
    for (const folder of [
      'Documentation/perf',
      'Documentation/perf-x',
      'arch/x86',
      'drivers/gpu',
      'drivers/net',
    ]) {
      tree[`${TOP}/${folder}/f${file}.c`] = text(`${folder} ${file}`, 500 + 37 * file);
    }
    tree[`${TOP}/sound/f${file}.c`] = text(`sound ${file}`, 900);
  }
  for (const name of [
    'Kconfig',
    'lsi/mpi.h',
    'lsi/mpi_ioc.h',
    'mptbase.c',
    'mptscsih.c',
    'mptscsih.h',
    'mptspi.c',
  ]) {
    tree[`${FUSION}/${name}`] = text(name, driverBytes);
  }
  return tree;
}

/** How names are sorted: as `tar --sort=name` does, as `find | sort`, as git-archive; `reverse` is no order. */
export type Sorting = 'tar' | 'find' | 'git' | 'reverse';

const LISTS: Readonly<Record<Exclude<Sorting, 'tar'>, string>> = {
  find: 'find . -mindepth 1 | LC_ALL=C sort',
  git: "find . -mindepth 1 -type d -printf '%p/\\n' -o -printf '%p\\n' | LC_ALL=C sort",
  reverse: 'find . -mindepth 1 -type f | LC_ALL=C sort -r',
};

export interface Packing {
  readonly sorting?: Sorting;
  /** Options of GNU tar. */
  readonly tar?: string;
  /** Options of xz. */
  readonly xz?: string;
}

/** Packs the entries; the path of the .tar, beside which the .tar.xz lies. */
export async function pack(entries: Entries, packing: Packing = {}): Promise<string> {
  const { sorting = 'tar', tar = '', xz = '--block-size=8192' } = packing;
  const tree = await temporary(entries);
  const path = join(await temporary(), 'linux.tar');
  const make =
    sorting === 'tar'
      ? `tar -P --sort=name ${tar} -cf "$2" *`
      : `${LISTS[sorting]} | sed 's,^\\./,,' | tar -P --no-recursion ${tar} -cf "$2" -T -`;
  sh(`cd "$1"; ${make}; xz -c ${xz} < "$2" > "$2.xz"`, tree, path);
  return path;
}
