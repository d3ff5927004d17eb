import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchKernel, benchKernel, mptfix, oneModule } from './kernel.ts';
import { type Contender, race } from './measure.ts';
import { bring, notHere } from './programs.ts';
import { type Row, ratio, ratioTarget, table, target, targets } from './table.ts';

const FLOOR = 'bare make of the one module';
const TWO = 'two bare makes side by side';
const COLD = 'mptfix build, cold';
const WARM = 'mptfix build, cache warm';
const DKMS = 'dkms build of the one module';
const BY_HAND = 'tar xJf, make of the folder';
const ROUNDS = 6;

/**
 * `mptfix build` of an affected guest's module, from the distro's tarball to the proven module, beside what an admin
 * would do without it. Targets: cold at most 1.3 times the bare make, and faster than by hand; warm at most 0.2 times.
 */
export async function benchBuild(): Promise<string> {
  const hasDkms = bring('dkms');
  const kernel = await benchKernel();
  const contenders = [
    floor(kernel),
    sideBySide(kernel),
    build(kernel, COLD, '--no-cache'),
    // The first round, which does not count, fills the cache.
    build(kernel, WARM),
    ...(hasDkms ? [dkms(kernel)] : []),
    byHand(kernel),
  ];
  const rows = await race(contenders, ROUNDS);
  const missing = hasDkms ? [] : [notHere('dkms')];
  return [describe(kernel), table(rows, FLOOR), aims(rows), ...missing].join('\n\n');
}

function floor({ folder, headers, driver }: BenchKernel): Contender {
  const place = join(folder, 'floor');
  return {
    name: FLOOR,
    before: () => oneModule(driver, place),
    argv: ['make', '-C', headers, `M=${place}`, 'modules'],
  };
}

/** What two builds cost where each has a core: neither may wait for the other. */
function sideBySide({ folder, headers, driver }: BenchKernel): Contender {
  const places = ['two-1', 'two-2'].map((name) => join(folder, name));
  return {
    name: TWO,
    before: () => {
      for (const place of places) oneModule(driver, place);
    },
    argv: ['sh', '-c', SIDE_BY_SIDE, headers, ...places],
  };
}

const SIDE_BY_SIDE = `make -C "$0" M="$1" modules & first=$!
make -C "$0" M="$2" modules && wait $first`;

function build(kernel: BenchKernel, name: string, ...more: string[]): Contender {
  const { folder, guest, tarball } = kernel;
  const output = join(folder, 'output');
  const words = ['build', '--root', guest, '--source', tarball, '--output', output, '--json', ...more];
  return {
    name,
    before: () => rmSync(output, { recursive: true, force: true }),
    argv: mptfix(kernel, ...words),
  };
}

/** All of dkms's own folders are private, and its signing key goes into one that only this run sees. */
function dkms({ folder, headers, driver, release }: BenchKernel): Contender {
  const at = (name: string): string => join(folder, 'dkms', name);
  for (const name of ['tree', 'keys', 'install', 'source']) mkdirSync(at(name), { recursive: true });
  oneModule(driver, at('source/mptscsih-1'));
  writeFileSync(
    at('source/mptscsih-1/dkms.conf'),
    [
      'PACKAGE_NAME=mptscsih',
      'PACKAGE_VERSION=1',
      'BUILT_MODULE_NAME[0]=mptscsih',
      'DEST_MODULE_LOCATION[0]=/updates',
      `MAKE[0]="make -C ${headers} M=\\$dkms_tree/mptscsih/1/build modules"`,
      '',
    ].join('\n'),
  );
  const folders = ['--dkmstree', at('tree'), '--sourcetree', at('source'), '--installtree', at('install')];
  const module = ['-m', 'mptscsih', '-v', '1', ...folders];
  const kernelWords = ['-k', release, '--kernelsourcedir', headers];
  return {
    name: DKMS,
    before: () => {
      rmSync(at('tree'), { recursive: true, force: true });
      mkdirSync(at('tree'));
      execFileSync('dkms', ['add', ...module], { stdio: 'ignore' });
    },
    argv: ['unshare', '-m', 'sh', '-c', OWN_KEYS, at('keys'), 'dkms', 'build', ...module, ...kernelWords],
  };
}

const OWN_KEYS = 'mount --bind "$0" /var/lib/dkms && exec "$@"';

/** As a careful admin does: only the driver's folder out of the tarball, and all of it built. */
function byHand({ folder, headers, tarball }: BenchKernel): Contender {
  const place = join(folder, 'by-hand');
  return {
    name: BY_HAND,
    rounds: 2,
    before: () => {
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place);
    },
    argv: ['sh', '-ec', BY_HAND_SCRIPT, tarball, place, headers],
  };
}

const BY_HAND_SCRIPT = `cd "$1"
tar xJf "$0" --strip-components=1 --wildcards '*/drivers/message/fusion'
exec make -C "$2" M="$1/drivers/message/fusion" modules`;

function describe({ release }: BenchKernel): string {
  return (
    `Linux ${release}, Debian’s packages. The tarball is the distro’s (130 MB of .xz), with the faulty branch put back into ` +
    'one file, because every kernel that is still shipped is fixed. `mptfix build` unpacks, patches, compiles the patched and ' +
    'the unchanged source, and makes all proofs. dkms and make compile once, from the unpacked folder, and prove nothing.'
  );
}

function aims(rows: readonly Row[]): string {
  const faster = ratio(rows, COLD, BY_HAND);
  return targets(
    ratioTarget(rows, [COLD, FLOOR], 1.3),
    ratioTarget(rows, [WARM, FLOOR], 0.2),
    target(`cold faster than by hand (${faster.toFixed(2)})`, faster < 1),
    ...why(rows),
  );
}

/** Where the time of a cold build that is too slow goes, as far as the table tells. */
function why(rows: readonly Row[]): readonly string[] {
  if (ratio(rows, COLD, FLOOR) <= 1.3) return [];
  const cpu = (name: string): number => rows.find((row) => row.name === name)?.cpuSeconds ?? Number.NaN;
  return [
    '',
    `Why: the cold build takes ${cpu(COLD).toFixed(1)} s of processor time, the bare make ${cpu(FLOOR).toFixed(1)} s. What is ` +
      'done beside the make costs no time of its own only where a core is free for it. On this machine two bare makes side ' +
      `by side take ${ratio(rows, TWO, FLOOR).toFixed(2)} times as long as one.`,
  ];
}
