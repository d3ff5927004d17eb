import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { mptfix } from '../helpers/cli.ts';
import { sh, temporary } from '../machine/temporary.ts';

/** What is neither part of a fresh clone nor needed to pack it. */
const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', 'test', 'lab', 'bench']);

/** A checkout that was never bundled, with this one's packages. */
async function freshCheckout(): Promise<string> {
  const folder = join(await temporary(), 'checkout');
  mkdirSync(folder);
  for (const name of readdirSync('.').filter((one) => !LEFT_OUT.has(one) && !one.startsWith('dist-')))
    cpSync(name, join(folder, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Packs the checkout as npm does; answers the folder that is unpacked from it, elsewhere and without node_modules. */
async function packed(checkout: string, ...options: readonly string[]): Promise<string> {
  const away = await temporary();
  execFileSync('npm', ['pack', '--silent', '--pack-destination', away, ...options], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  sh('cd "$1"; tar -xzf mptfix-*.tgz', away);
  return join(away, 'package');
}

test('npm pack of a fresh checkout bundles it, and the tarball runs without node_modules', async () => {
  const checkout = await freshCheckout();
  const folder = await packed(checkout);
  expect(existsSync(join(folder, 'node_modules'))).toBe(false);
  expect(readdirSync(folder).sort()).toEqual(
    [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'Dockerfile.build',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'package.json',
      'patches',
      'schemas',
      'src',
    ].filter((name) => existsSync(join(checkout, name))),
  );
  expect(readdirSync(join(folder, 'src')).sort()).toEqual(['build', 'bundle', 'watch']);
  expect(readdirSync(join(folder, 'patches'))).toContain('COPYING');
  const here = { cwd: folder, bin: 'bin/mptfix.cjs' };
  expect((await mptfix(['--version'], here)).stdout).toBe(`${version(folder)}\n`);
  // Status 10 or 11 where the machine of the tests has the driver.
  const check = await mptfix(['check', '--json'], here);
  expect([0, 10, 11]).toContain(check.status);
  expect(JSON.parse(check.stdout).schema).toBe('mptfix.check/1');
  const tree = await temporary({ 'etc/os-release': 'ID=debian\n' });
  for (const command of ['plan', 'status', 'recover', 'harden']) {
    const run = await mptfix([command, '--root', tree, '--json'], here);
    expect([command, run.stderr]).toEqual([command, expect.not.stringContaining('E_INTERNAL')]);
    expect(() => JSON.parse(run.stdout)).not.toThrow();
  }
});

test('npm pack --ignore-scripts takes the bundle that is there', async () => {
  const checkout = await freshCheckout();
  cpSync('dist', join(checkout, 'dist'), { recursive: true });
  const folder = await packed(checkout, '--ignore-scripts');
  expect((await mptfix(['--version'], { cwd: folder, bin: 'bin/mptfix.cjs' })).status).toBe(0);
});

test('a package without its bundle says how it has to be packed', async () => {
  const folder = await packed(await freshCheckout(), '--ignore-scripts');
  const { status, stdout, stderr } = await mptfix(['check'], { cwd: folder, bin: 'bin/mptfix.cjs' });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^mptfix: E_INTERNAL: .*dist\/start\.js.*\n {2}next: .*npm pack.*\n$/);
});

test('the bundle carries the licence of every package that is in it', async () => {
  const { metafile } = await build({
    entryPoints: ['src/cli/start.ts'],
    outdir: 'dist',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    metafile: true,
  });
  const folders = new Set(
    Object.keys(metafile.inputs).flatMap(
      (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
    ),
  );
  const text = readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8');
  expect(folders.size).toBeGreaterThan(20);
  const headings = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return `${name} ${version} (${license})`;
  });
  // Once in the list, once above its text.
  for (const heading of headings) expect([heading, text.split(heading).length]).toEqual([heading, 3]);
  const listed = [...(text.split('\n\n')[0] ?? '').matchAll(/^ {2}(.+)$/gm)].map((match) => match[1]);
  expect(listed).toEqual([...new Set(headings)].sort());
  expect(text.match(/Copyright|copyright/g)?.length).toBeGreaterThanOrEqual(listed.length);
});

function version(folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}

test('Dockerfile.build takes into its image what the package has of src/', () => {
  const { files }: { files: string[] } = JSON.parse(readFileSync('package.json', 'utf8'));
  const sources = files.filter((name) => name.startsWith('src/'));
  const lines = readFileSync('Dockerfile.build', 'utf8').split('\n');
  const copied = lines.flatMap((line) => /^COPY (src\/\S+) /.exec(line)?.[1] ?? []);
  expect(copied.toSorted()).toEqual(sources.toSorted());
});
