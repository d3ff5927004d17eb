import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Entries, put, sh, temporary } from '../../machine/temporary.ts';

/** A key of the test's own, and how rpmsign uses it. */
export interface SigningKey {
  readonly home: string;
  /** ASCII-armored. */
  readonly publicKey: string;
}

/** Made in a folder with a short name: gpg's agent listens on a socket there. */
export function signingKey(): SigningKey {
  const home = mkdtempSync(join(tmpdir(), 'gpg-'));
  onTestFinished(async () => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    await rm(home, { recursive: true, force: true });
  });
  const gpg = ['gpg', '--homedir', home, '--batch', '--quiet'].join(' ');
  sh(`${gpg} --passphrase '' --quick-gen-key "$1" rsa2048 sign never`, OWNER);
  return { home, publicKey: sh(`${gpg} --armor --export`) };
}

const OWNER = 'packages of a test';

export function sign(file: string, { home }: SigningKey): void {
  const define = [`_gpg_name ${OWNER}`, `_gpg_path ${home}`, '__gpg /usr/bin/gpg'].flatMap((one) => [
    '--define',
    one,
  ]);
  execFileSync('rpmsign', [...define, '--addsign', file], { stdio: 'pipe' });
}

/** What rpmbuild makes of a spec: `binary` RPMs, or with 's' the source RPM. Returns the paths of the files. */
async function rpmbuild(
  kind: 's' | 'b',
  spec: string,
  sources: Entries,
  target: string,
): Promise<readonly string[]> {
  const top = await temporary();
  await put(join(top, 'SOURCES'), { ...sources, 'kernel.spec': spec });
  const define = [
    'packing 1',
    `_topdir ${top}`,
    'debug_package %{nil}',
    '__os_install_post %{nil}',
    '_build_id_links none',
  ];
  const words = define.flatMap((one) => ['--define', one]);
  execFileSync(
    'rpmbuild',
    [`-b${kind}`, '--nodeps', ...words, '--target', target, join(top, 'SOURCES/kernel.spec')],
    {
      stdio: 'pipe',
    },
  );
  const folder = join(top, kind === 's' ? 'SRPMS' : `RPMS/${target}`);
  return readdirSync(folder).map((name) => join(folder, name));
}

export interface TestKernel {
  /** `4.18.0`, `553.el8`. */
  readonly version: string;
  readonly release: string;
}

/** A source RPM whose spec unpacks `linux.tar.xz` and does what `prep` says. `patches`: the files by name, in their order. */
export async function sourceRpm(
  { version, release }: TestKernel,
  tree: string,
  {
    patches,
    prep,
    left = [],
  }: {
    readonly patches: Readonly<Record<string, string>>;
    readonly prep: string;
    /** Patches that the RPM does not hold, although its spec applies them. */
    readonly left?: readonly string[];
  },
): Promise<string> {
  const pack = await temporary();
  sh(
    'mkdir "$2/linux-x" && cp -a "$1/." "$2/linux-x" && tar -cJf "$2/linux.tar.xz" -C "$2" linux-x',
    tree,
    pack,
  );
  const tarball = execFileSync('cat', [join(pack, 'linux.tar.xz')], { maxBuffer: 2 ** 28 });
  const names = Object.keys(patches);
  const spec = [
    ...[`Name: kernel`, `Version: ${version}`, `Release: ${release}`, 'Summary: test', 'License: GPL'],
    ...['Source0: linux.tar.xz', ...names.map((name, index) => `Patch${index + 1}: ${name}`)],
    ...left.map((name, index) => `%{!?packing:Patch${index + 90}: ${name}}`),
    ...['%description', 'test', '%prep', '%setup -q -n linux-x', prep],
    ...left.flatMap((_, index) => ['%if 0%{!?packing:1}', `%patch${index + 90} -p1`, '%endif']),
    ...['%build', 'exit 1', ''],
  ].join('\n');
  const [file = ''] = await rpmbuild('s', spec, { 'linux.tar.xz': tarball, ...patches }, 'x86_64');
  return file;
}

/** A -devel RPM with these files below its folder in /usr/src/kernels. Its scriptlet would leave a file at `mark`. */
export async function develRpm(
  { version, release }: TestKernel,
  headers: string,
  {
    name = 'kernel-devel',
    mark = '/nonexistent/mark',
    place = `usr/src/kernels/${version}-${release}.x86_64`,
  } = {},
): Promise<string> {
  const spec = [
    ...[
      `Name: ${name}`,
      `Version: ${version}`,
      `Release: ${release}`,
      'Summary: test',
      'License: GPL',
      'AutoReqProv: no',
    ],
    ...['%description', 'test', '%install', `mkdir -p %{buildroot}/${place}`],
    ...[`cp -a ${headers}/. %{buildroot}/${place}/`, '%pre', `touch ${mark}`, '%post', `touch ${mark}`],
    ...['%files', `/${place}`, ''],
  ].join('\n');
  const [file = ''] = await rpmbuild('b', spec, {}, 'x86_64');
  return file;
}

/** A folder with copies of these files; `indexed`: with repodata too. */
export async function mirrorOf(files: readonly string[], indexed = false): Promise<string> {
  const folder = await temporary();
  for (const file of files) sh('cp "$1" "$2/"', file, folder);
  if (indexed) execFileSync('createrepo_c', ['--quiet', folder]);
  return folder;
}

/** Writes a folder of files and answers it. */
export function folderWith(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
