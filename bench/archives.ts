import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { benchKernel } from './kernel.ts';
import { type Contender, race } from './measure.ts';
import { bring, notHere } from './programs.ts';
import { ratioTarget, table, targets } from './table.ts';

const ROUNDS = 3;
const TREE = 'linux-2.6';
/** What unpacks with several threads: hidden from a run that has to do without. */
const PARALLEL = ['lbzip2', 'pbzip2', 'pigz'];
/** `mptfix check` of the driver with the branch. */
const AFFECTED = 10;

interface Format {
  readonly suffix: string;
  /** Packs standard input, as kernel.org's tarballs were. */
  readonly packer: readonly [string, ...string[]];
  /** tar's option, and the program that it means. */
  readonly option: string;
  readonly plain: string;
  readonly parallel: 'lbzip2' | 'pigz';
}

const FORMATS: readonly Format[] = [
  { suffix: '.bz2', packer: ['bzip2', '-9'], option: '-j', plain: 'bzip2', parallel: 'lbzip2' },
  { suffix: '.gz', packer: ['gzip', '-9'], option: '-z', plain: 'gzip', parallel: 'pigz' },
];

/**
 * From a tarball as an affected kernel came in to a verdict on its driver, beside tar, which takes out the driver's folder
 * and reads to the end. The source is Debian's, thinned out to the size of a 2.6. Target: faster than that tar, Node's start
 * and the verdict included.
 */
export async function benchArchives(): Promise<string> {
  const { folder, tarball } = await benchKernel();
  const { fromGit, fromTar } = makeTars(folder, tarball);
  const megabytes = (path: string): string => `${(statSync(path).size / 1e6).toFixed(0)} MB`;
  const parts: string[] = [];
  for (const format of FORMATS) {
    const archives = { fromGit: packed(fromGit, format), fromTar: packed(fromTar, format) };
    const rows = await race(contenders(folder, format, archives), ROUNDS);
    parts.push(
      `\`${format.suffix}\`, ${megabytes(archives.fromGit)}, of ${megabytes(fromGit)}:`,
      table(rows, tarBy(format.plain)),
      targets(ratioTarget(rows, [oursBy(format.parallel), tarBy(format.plain)], 1)),
      ...(bring(format.parallel) ? [] : [notHere(format.parallel)]),
    );
  }
  return [ABOUT, ...parts].join('\n\n');
}

const tarBy = (program: string): string => `tar, ${program}`;
const oursBy = (program: string): string => `mptfix check, ${program}`;

const ABOUT =
  'Debian’s source, thinned out to the size of a 2.6, and packed as kernel.org’s tarballs are: written by `git archive`, one ' +
  'stream. `mptfix check --source` takes the driver out of it and judges it; the time is that of the whole process. Of an ' +
  'archive that tar has written it reads everything, because a second driver may follow.';

/** The same files in one tar that git has written, and in one that GNU tar has written. */
function makeTars(folder: string, tarball: string): { readonly fromGit: string; readonly fromTar: string } {
  const at = (name: string): string => join(folder, name);
  execFileSync('sh', ['-ec', MAKE_TREE, tarball, at(TREE)], { stdio: ['ignore', 'ignore', 2] });
  execFileSync('tar', ['-C', folder, '--sort=name', '-cf', at('tar.tar'), TREE]);
  execFileSync('sh', ['-ec', ARCHIVE, at(TREE), TREE, at('git.tar')], { stdio: ['ignore', 'ignore', 2] });
  rmSync(at(TREE), { recursive: true, force: true });
  return { fromGit: at('git.tar'), fromTar: at('tar.tar') };
}

const MAKE_TREE = `mkdir "$1"
tar -xJf "$0" -C "$1" --strip-components=1
cd "$1"
find . -type f ! -path './drivers/message/fusion/*' ! -path ./Makefile | LC_ALL=C sort | awk 'NR % 5' | tr '\\n' '\\0' | xargs -0 rm -f
find . -type d -empty -delete`;

const ARCHIVE = `cd "$0"
git init -q
git add -Af
git -c user.name=bench -c user.email=bench@localhost -c commit.gpgsign=false commit -qm bench
git archive --prefix="$1/" -o "$2" HEAD`;

function packed(tar: string, { suffix, packer }: Format): string {
  const path = `${tar}${suffix}`;
  execFileSync('sh', ['-ec', 'exec "$@" < "$TAR" > "$PACKED"', 'sh', ...packer, '-c'], {
    env: { ...process.env, TAR: tar, PACKED: path },
    stdio: ['ignore', 'ignore', 2],
  });
  return path;
}

function contenders(
  folder: string,
  { option, plain, parallel }: Format,
  { fromGit, fromTar }: { readonly fromGit: string; readonly fromTar: string },
): readonly Contender[] {
  const place = join(folder, 'by-tar');
  const check = (path: string): readonly string[] => [
    process.execPath,
    'bin/mptfix.cjs',
    'check',
    '--json',
    '--source',
    path,
  ];
  const alone = (path: string): readonly string[] => [
    'unshare',
    '-m',
    'sh',
    '-ec',
    HIDE,
    'sh',
    ...check(path),
  ];
  const ours = (name: string, argv: readonly string[]): Contender => ({ name, argv, status: AFFECTED });
  const byTar: Contender = {
    name: tarBy(plain),
    before: () => execFileSync('sh', ['-ec', 'rm -rf "$0"; mkdir "$0"', place]),
    argv: ['tar', '-x', option, '-f', fromGit, '-C', place, '--wildcards', '*/drivers/message/fusion'],
  };
  const withParallel = [
    ours(oursBy(parallel), check(fromGit)),
    ours(`${oursBy(parallel)}, written by tar`, check(fromTar)),
  ];
  return [
    byTar,
    ours(oursBy(plain), alone(fromGit)),
    ours(`${oursBy(plain)}, written by tar`, alone(fromTar)),
    ...(bring(parallel) ? withParallel : []),
  ];
}

/** In a mount namespace of its own, what is hidden is no program. */
const HIDE = `for name in ${PARALLEL.join(' ')}; do
  path=$(command -v "$name") && mount --bind /dev/null "$path" || :
done
exec "$@"`;
