import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { type BenchKernel, benchKernel, oneModule } from './kernel.ts';
import { type Contender, type Row, race, table } from './measure.ts';

const FLOOR = 'bare make of the one module';
const COLD = 'mptfix build, cold';
const WARM = 'mptfix build, cache warm';
const DKMS = 'dkms build of the one module';
const BY_HAND = 'tar xJf, make of the folder';
const ROUNDS = 5;

/**
 * `mptfix build` of an affected guest's module, from the distro's tarball to the proven module, beside what an admin
 * would do without it. Targets: cold at most 1.5 times the bare make, and faster than by hand; warm under 0.5 s.
 */
export async function benchBuild(): Promise<string> {
  installDkms();
  const kernel = await benchKernel();
  try {
    const contenders = [floor(kernel), cold(kernel), warm(kernel), dkms(kernel), byHand(kernel)];
    const rows = await race(contenders, ROUNDS);
    return [describe(kernel), table(rows, FLOOR), targets(rows), ...busy()].join('\n\n');
  } finally {
    kernel.dispose();
  }
}

function floor({ folder, headers, driver }: BenchKernel): Contender {
  const place = join(folder, 'floor');
  return {
    name: FLOOR,
    before: () => oneModule(driver, place),
    argv: ['make', '-C', headers, `M=${place}`, 'modules'],
  };
}

function mptfix({ folder, guest, tarball }: BenchKernel, name: string, ...more: string[]): Contender {
  const output = join(folder, 'output');
  const argv = [
    'bin/mptfix.cjs',
    'build',
    '--root',
    guest,
    '--source',
    tarball,
    '--output',
    output,
    '--json',
  ];
  return {
    name,
    before: () => rmSync(output, { recursive: true, force: true }),
    argv: ['env', `XDG_CACHE_HOME=${join(folder, 'cache')}`, process.execPath, ...argv, ...more],
  };
}

function cold(kernel: BenchKernel): Contender {
  return mptfix(kernel, COLD, '--no-cache');
}

/** The first round, which does not count, fills the cache. */
function warm(kernel: BenchKernel): Contender {
  mkdirSync(join(kernel.folder, 'cache'), { mode: 0o700 });
  return mptfix(kernel, WARM);
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
    'one file, because every kernel that is still shipped is fixed. `mptfix build` unpacks, patches, compiles twice and makes ' +
    'all proofs. dkms and make compile once, from the unpacked folder, and prove nothing.'
  );
}

function targets(rows: readonly Row[]): string {
  const seconds = (name: string): number =>
    rows.find((row) => row.name === name)?.medianSeconds ?? Number.NaN;
  const ratio = seconds(COLD) / seconds(FLOOR);
  const lines = [
    [`cold at most 1.5 times the bare make (${ratio.toFixed(2)})`, ratio <= 1.5],
    ['cold faster than by hand', seconds(COLD) < seconds(BY_HAND)],
    [`warm under 0.5 s (${seconds(WARM).toFixed(2)} s)`, seconds(WARM) < 0.5],
  ] as const;
  const results = lines.map(([text, met]) => `- ${text}: ${met ? 'met' : 'missed'}`);
  return ['Targets:', '', ...results, ...why(rows, ratio)].join('\n');
}

/** One run at a time keeps two cores busy at most: what is above is other work. */
function busy(): readonly string[] {
  const [, load = 0] = loadavg();
  if (load <= 2.5) return [];
  return [
    `The machine had other work meanwhile (load ${load.toFixed(1)} on ${availableParallelism()} cores), which slows two compilations ` +
      'side by side more than a single one. Run it again on an idle machine.',
  ];
}

/** Two builds need twice the processor time of one; without a free core the second one takes its full time. */
function why(rows: readonly Row[], ratio: number): readonly string[] {
  if (ratio <= 1.5) return [];
  const cpu = (name: string): number => rows.find((row) => row.name === name)?.cpuSeconds ?? Number.NaN;
  const builds = (2 * cpu(FLOOR)) / cpu(COLD);
  return [
    '',
    `Why: the two compilations take ${(100 * builds).toFixed(0)} % of the cold build’s ${cpu(COLD).toFixed(1)} s of processor time. ` +
      'They run side by side, so the second one costs nothing extra only where a core is free for it.',
  ];
}

/** Debian's dkms, where it is missing: as scripts/setup.mjs brings what the tests need. */
function installDkms(): void {
  try {
    execFileSync('dkms', ['--version'], { stdio: 'ignore' });
  } catch {
    const argv = ['-o', 'DPkg::Lock::Timeout=300', 'install', '--yes', '--no-install-recommends', 'dkms'];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['-q', 'update'], { stdio: ['ignore', 2, 2], env });
    execFileSync('apt-get', argv, { stdio: ['ignore', 2, 2], env });
  }
}
