import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readElf } from '../../src/elf/elf.ts';
import { SHT_NOBITS } from '../../src/elf/sections.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { install } from '../helpers/debian-packages.ts';
import { snapshot } from '../helpers/debian-tree.ts';
import {
  busyboxTree,
  type ImageMachine,
  imageFolder,
  imageMachine,
  nodeTree,
  toolchainOf,
} from '../helpers/images.ts';
import { modulePath } from '../helpers/slim-guest.ts';
import { otherGuest } from '../helpers/toolchain-tree.ts';

/** What is built for: a kernel, the module that its distro shipped, and the distro's own source, where the branch is gone. */
interface Case {
  readonly release: string;
  readonly module: string;
  readonly source: string;
  /** The folders of its headers: below /usr. */
  readonly usr: string;
  /** A system of its time with a compiler. */
  readonly tree: string;
  /** The source with the branch, and the module that was built from it. */
  readonly affected: string;
  readonly planted: string;
}

const { fixture, debian } = { fixture: inject('fixture'), debian: inject('debian') };
const cases = new Map<string, Case>();
const disposals: (() => void)[] = [];
let work = '';
let machine: ImageMachine;
let context = '';

beforeAll(async () => {
  work = imageFolder();
  machine = imageMachine(join(work, 'machine'));
  const bullseye = await otherGuest('bullseye');
  cases.set('bullseye', {
    release: bullseye.release,
    module: bullseye.distroModule,
    source: bullseye.distroSource,
    usr: join(bullseye.root, 'usr'),
    tree: copied(toolchainOf(bullseye.root)),
    affected: bullseye.source,
    planted: join(bullseye.root, bullseye.modulePath),
  });
  const own = copied(snapshot(debian.full));
  await install(own, join(dirname(debian.full), 'packages/compiler'));
  cases.set('this release', {
    release: fixture.release,
    module: fixture.distroModule,
    source: fixture.tarball,
    usr: join(fixture.guest, 'usr'),
    tree: copied(toolchainOf(own)),
    affected: fixture.source,
    planted: join(fixture.guest, modulePath(fixture.release)),
  });
  machine.add('localhost/bullseye', cases.get('bullseye')?.tree ?? '');
  machine.add('localhost/this-release', cases.get('this release')?.tree ?? '');
  machine.add('localhost/node', nodeTree(join(work, 'node')));
  context = join(work, 'checkout');
  for (const name of ['package.json', 'bin', 'dist', 'patches', 'Dockerfile.build', 'src'])
    cpSync(name, join(context, name), { recursive: true });
});
afterAll(() => {
  for (const dispose of disposals) dispose();
  execFileSync('rm', ['-rf', work]);
});

function copied({ root, dispose }: { readonly root: string; dispose(): void }): string {
  disposals.push(dispose);
  return root;
}

function caseOf(name: string): Case {
  const found = cases.get(name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  return found;
}

/** The words after `docker build`, as the documentation prints the command. */
function documented(values: Readonly<Record<string, string>>): string[] {
  const line = /^ {4}docker build (-f Dockerfile\.build .*)$/m.exec(
    readFileSync('docs/build-and-install.md', 'utf8'),
  )?.[1];
  const words = Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(name, value),
    line ?? '',
  );
  return words.split(' ');
}

/** Sections of a module, by their order, with their content. */
function sections(file: string): readonly (readonly [string, string])[] {
  const bytes = readFileSync(file);
  return readElf(bytes).sections.map(({ name, type, offset, size }) => [
    name,
    type === SHT_NOBITS ? `${size} bytes` : bytes.subarray(offset, offset + size).toString('latin1'),
  ]);
}

describe.each([
  ['this release', 'this-release', { SOURCE: 'linux-source.tar.xz' }],
  ['bullseye', 'bullseye', { SOURCE: 'source' }],
])('the driver of %s, with its compiler in an image,', (name, image, { SOURCE }) => {
  test('is built by Dockerfile.build as mptfix builds it outside, and is the distro’s own again', async () => {
    const { release, module, source, usr, tree } = caseOf(name);
    const input = join(context, 'input');
    execFileSync('rm', ['-rf', input]);
    mkdirSync(join(input, 'usr/lib'), { recursive: true });
    cpSync(module, join(input, 'mptscsih.ko'));
    cpSync(source, join(input, SOURCE), { recursive: true });
    const libraries = readdirSync(join(usr, 'lib')).filter((one) => one.startsWith('linux-'));
    for (const folder of ['src', ...libraries.map((one) => `lib/${one}`)])
      execFileSync('cp', ['-a', join(usr, folder), join(input, 'usr', folder)]);
    const out = join(context, 'out');
    execFileSync('rm', ['-rf', out]);

    const words = documented({ NAME: `localhost/${image}`, RELEASE: release });
    const [file = '', ...prefix] = machine.prefix;
    const more = ['--build-arg', 'NODE_IMAGE=localhost/node', '--build-arg', `SOURCE=${SOURCE}`];
    const built = spawnSync(file, [...prefix, 'buildah', 'bud', '--isolation=chroot', ...more, ...words], {
      cwd: context,
      encoding: 'utf8',
    });
    expect([built.status, built.status === 0 ? '' : built.stdout + built.stderr]).toEqual([0, '']);

    const outside = join(work, `outside-${image}`);
    const headers = join(input, 'usr/src', `linux-headers-${release}`);
    const inputs = ['--module', module, '--source', source, '--headers', headers];
    const run = await mptfix(
      ['build', ...inputs, '--toolchain', tree, '--no-cache', '--output', outside, '--json'],
      { prefix: ['unshare', '--net'] },
    );
    expect([run.status, run.stderr]).toEqual([0, run.stderr]);

    const bundle = `mptfix-mptscsih-${release}-x86_64.run`;
    expect(readdirSync(out).sort()).toEqual(
      ['build.log', 'manifest.json', bundle, `${bundle}.intoto.json`, 'mptscsih.ko'].sort(),
    );
    expect(sections(join(out, 'mptscsih.ko'))).toEqual(sections(json(run).module.file));
    expect(readFileSync(join(out, 'mptscsih.ko')).equals(readFileSync(json(run).module.file))).toBe(true);
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
    const { proofs } = manifest.artifact;
    const provenance = proofs.find((proof: { name: string }) => proof.name === 'provenance');
    expect(provenance).toMatchObject({ ok: true, waived: false, detail: expect.stringContaining(' .text ') });
    expect(manifest.artifact.toolchain).toEqual({
      ...json(run).artifact.toolchain,
      kind: 'image',
      origin: `localhost/${image}`,
    });
  });
});

describe('--toolchain image:', () => {
  const CHROOT = { BUILDAH_ISOLATION: 'chroot' };

  /** The words of a build for the affected guest of bullseye, into a folder of that name. */
  function words(image: string, output: string): string[] {
    const { release, usr, affected, planted } = caseOf('bullseye');
    const headers = join(usr, 'src', `linux-headers-${release}`);
    return [
      ...['build', '--module', planted, '--source', affected, '--headers', headers, '--json', '--no-cache'],
      ...['--toolchain', image, '--output', join(work, output), '--work', workBase()],
    ];
  }

  function workBase(): string {
    const folder = join(work, 'base');
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return folder;
  }

  /** What builds have left in there beside the logs of those that failed. */
  function workLeft(): string[] {
    return readdirSync(workBase()).filter((name) => !name.startsWith('mptfix-log-'));
  }

  function inImage(image: string, more: Parameters<typeof mptfix>[1] = {}) {
    return mptfix(words(`image:localhost/${image}`, image), { env: CHROOT, prefix: machine.prefix, ...more });
  }

  /** Adds a small image whose /bin has these scripts. */
  function small(name: string, scripts: Readonly<Record<string, string>>, config?: readonly string[]): void {
    machine.add(`localhost/${name}`, busyboxTree(join(work, `tree-${name}`), scripts), 'scratch', config);
  }

  const GCC = 'echo 10.2.1';

  test('compiles the patched module as the same tree does, and leaves nothing in the store', async () => {
    const before = machine.state();
    const run = await inImage('bullseye');
    expect([run.status, run.stderr]).toEqual([0, run.stderr]);
    expect(json(run)).toMatchObject({ result: 'patched', artifact: { toolchain: { kind: 'image' } } });
    const outside = await mptfix(words(caseOf('bullseye').tree, 'tree'));
    expect([outside.status, outside.stderr]).toEqual([0, outside.stderr]);
    expect(json(run).module.sha256).toBe(json(outside).module.sha256);
    const { proofs } = json(run).artifact;
    expect(proofs.filter(({ ok, waived }: Record<string, unknown>) => ok !== true || waived)).toEqual([]);
    expect(machine.state()).toEqual(before);
    expect(workLeft()).toEqual([]);
  });

  test('a build that a signal ends leaves nothing in the store, and no process', async () => {
    const mark = `sleep ${Math.floor(performance.now()) + 10_000}`;
    small('slow', { 'gcc-10': GCC, make: `exec ${mark}` });
    const before = machine.state();
    const run = await inImage('slow', {
      started: (kill) => {
        const look = setInterval(() => {
          if (!running(mark)) return;
          clearInterval(look);
          kill('SIGTERM');
        }, 100);
      },
    });
    expect(run.status).toBe(143);
    await expect.poll(() => running(mark), { timeout: 30_000 }).toBe(false);
    expect(machine.state()).toEqual(before);
    // What the signal has left in the work folder, the next run takes away.
    await inImage('not-there-at-all');
    expect(workLeft()).toEqual([]);
  });

  test.each<[string, string, number, string, RegExp]>([
    [
      'is not there',
      'nowhere',
      3,
      'E_IMAGE',
      /^(podman and )?buildah ha(s|ve) no image localhost\/nowhere, and mptfix fetches none$/,
    ],
    ['has no make and no gcc', 'empty', 3, 'E_TOOLS_MISSING', /^the image has no make, no gcc-10$/],
    ['is of another architecture', 'foreign', 3, 'E_IMAGE', /^the image localhost\/foreign is of s390x,/],
  ])('an image that %s is refused, and the store stays as it is', async (_, image, status, code, what) => {
    if (image === 'empty') small(image, {});
    if (image === 'foreign') small(image, {}, ['--arch', 's390x']);
    const before = machine.state();
    const run = await inImage(image);
    const { error } = json(run);
    expect([run.status, error.code, error.what]).toEqual([status, code, expect.stringMatching(what)]);
    expect(run.stdout + run.stderr).not.toContain('root:');
    expect([machine.state(), workLeft()]).toEqual([before, []]);
  });

  test('without an engine the error names those that would do', async () => {
    const hidden =
      'for i in docker podman buildah; do [ ! -e /usr/bin/$i ] || mount --bind /dev/null /usr/bin/$i; done; exec "$@"';
    const run = await inImage('bullseye', { prefix: ['unshare', '--mount', 'sh', '-c', hidden, 'sh'] });
    expect([run.status, json(run).error]).toMatchObject([
      3,
      {
        code: 'E_TOOLS_MISSING',
        what: expect.stringMatching(/^no container engine can be used here: .*\bbuildah\b/),
      },
    ]);
  });
});

/** Whether a process with these words runs. */
function running(command: string): boolean {
  return spawnSync('pgrep', ['-f', `^(/\\S*/)?${command}$`]).status === 0;
}
