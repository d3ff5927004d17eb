import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readElf } from '../../src/elf/elf.ts';
import { SHT_NOBITS } from '../../src/elf/sections.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { install } from '../helpers/debian-packages.ts';
import { snapshot } from '../helpers/debian-tree.ts';
import { type ImageMachine, imageFolder, imageMachine, nodeTree, toolchainOf } from '../helpers/images.ts';
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
  /** The source with the branch. */
  readonly affected: string;
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
    expect(readdirSync(out).sort()).toEqual(['build.log', 'manifest.json', bundle, 'mptscsih.ko'].sort());
    expect(sections(join(out, 'mptscsih.ko'))).toEqual(sections(join(outside, 'mptscsih.ko')));
    expect(readFileSync(join(out, 'mptscsih.ko')).equals(readFileSync(join(outside, 'mptscsih.ko')))).toBe(
      true,
    );
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
