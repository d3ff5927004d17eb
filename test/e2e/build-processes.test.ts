import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { sha256 } from '../../src/hash.ts';
import { buildBench } from '../helpers/build.ts';
import { mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { momentsWithin } from '../helpers/moments.ts';
import { descendants, processes, processesIn } from '../helpers/processes.ts';

const fixture = inject('fixture');
const { guest, source, release } = fixture;
const { at, headers, output, build } = buildBench(fixture);

/** From an unpacked folder with both builds, and from the distro's tarball, which is unpacked while make runs. */
const WAYS: readonly (readonly [string, () => string[]])[] = [
  ['a folder', () => ['--source', source, '--root', guest, '--headers', headers()]],
  [
    'a tarball',
    () => [
      '--source',
      fixture.tarball,
      '--module',
      fixture.distroModule,
      '--kernel',
      release,
      '--headers',
      headers(),
    ],
  ],
];

function workFolder(name: string): string {
  mkdirSync(at(name), { mode: 0o755 });
  return at(name);
}

/** What root's own process may start as root: nothing of it reads what came from outside. */
const ROOTS_OWN: ReadonlySet<string> = new Set(['node', 'MainThread', 'chown', 'flock']);

/** What holds such a program on a leash, or makes its sandbox: it starts that one, and looks at nothing else. */
function isLeash({ name, argv }: { readonly name: string; readonly argv: string }): boolean {
  if (['setpriv', 'sh', 'unshare'].includes(name) && argv.includes('|| exit 137')) return true;
  // `cat` holds the lock of the work folder; `true` tries whether a sandbox can be made.
  if (['cat', 'true', 'sh -c echo held; exec cat'].includes(argv.trim())) return true;
  const first = argv.split(' ')[0] ?? '';
  return (
    ['bwrap', 'prlimit', 'setpriv'].includes(basename(first)) ||
    /^\S*\bsh -c chmod 1777 \/tmp|^chmod 1777/.test(argv)
  );
}

/** The manifest is written last: where it is, a signal came after all the rest, and all of it is there. */
function requireWhole(out: string): void {
  if (!existsSync(join(out, 'manifest.json'))) return;
  const { module } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
  expect(sha256(readFileSync(module.file))).toBe(module.sha256);
  expect(readFileSync(join(out, 'build.log'), 'utf8')).not.toBe('');
}

for (const [name, args] of WAYS) {
  test(`from ${name}, nothing that unpacks or compiles runs as root, and the source is as it was`, async () => {
    const folder = workFolder(`uids-${name.replace(' ', '-')}`);
    const seen = new Map<string, Set<number>>();
    const timer = setInterval(() => {
      const all = processes();
      const run = all.find(({ argv }) => argv.includes('mptfix.cjs build') && argv.includes(folder));
      for (const child of run === undefined ? [] : descendants(run.pid, all)) {
        if (child.uid === 0 && isLeash(child)) continue;
        seen.set(child.name, (seen.get(child.name) ?? new Set()).add(child.uid));
      }
    }, 10);
    const before = listing(source);
    const run = await build([...args(), '--work', folder], output());
    clearInterval(timer);
    expect(run.status).toBe(0);
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['make', 'cc1']));
    if (name === 'a tarball') expect([...seen.keys()]).toContain('xz');
    const asRoot = [...seen].filter(([, uids]) => uids.has(0)).map(([program]) => program);
    expect(asRoot.filter((program) => !ROOTS_OWN.has(program))).toEqual([]);
    // One user, and none that anything else here runs as.
    const users = new Set([...seen.values()].flatMap((uids) => [...uids]));
    users.delete(0);
    expect(users.size).toBe(1);
    expect(listing(source)).toEqual(before);
  });

  test(`from ${name}, SIGTERM at ten moments of the build leaves no child and no folder`, async () => {
    const whole = workFolder(`whole-${name.replace(' ', '-')}`);
    const started = performance.now();
    expect((await build([...args(), '--work', whole], output())).status).toBe(0);
    const moments = momentsWithin(performance.now() - started);
    expect(readdirSync(whole)).toEqual([]);
    const statuses: number[] = [];
    for (let moment = 0; moment < 10; moment += 1) {
      await moments.at((moment + 0.5) / 10, async (delay) => {
        const folder = workFolder(`term-${name.replace(' ', '-')}-${statuses.length}`);
        const out = output();
        const run = await mptfix(['build', '--output', out, '--no-cache', ...args(), '--work', folder], {
          started: (kill) => void setTimeout(() => kill('SIGTERM'), delay),
        });
        expect(processesIn(folder)).toEqual([]);
        expect(readdirSync(folder)).toEqual([]);
        statuses.push(run.status);
        requireWhole(out);
        return run.status !== 0;
      });
    }
    // Before Node can hear it a signal ends the run as it ends any program; after the build there is nothing to stop.
    expect(statuses.filter((status) => ![0, 128, 143].includes(status))).toEqual([]);
    expect(statuses.filter((status) => status === 143).length).toBeGreaterThanOrEqual(6);
  });
}
