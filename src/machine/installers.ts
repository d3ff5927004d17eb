import { readFile } from 'node:fs/promises';
import { typedShell } from '../typed.ts';

/** A program, and the package that brings it on Debian. */
interface Program {
  readonly name: string;
  readonly package: string;
}

type Packages = 'debian' | 'redhat' | 'suse' | 'arch' | 'alpine';

/** How a family of distros installs a package, and the ids by which os-release(5) has it in ID or ID_LIKE. */
interface Installer {
  readonly packages: Packages;
  readonly ids: readonly string[];
  readonly install: readonly string[];
}

const INSTALLERS: readonly Installer[] = [
  { packages: 'debian', ids: ['debian', 'ubuntu'], install: ['apt-get', 'install', '--yes'] },
  { packages: 'redhat', ids: ['fedora', 'rhel', 'centos', 'amzn'], install: ['dnf', 'install', '-y'] },
  { packages: 'suse', ids: ['suse', 'opensuse', 'sles'], install: ['zypper', 'install', '-y'] },
  { packages: 'arch', ids: ['arch'], install: ['pacman', '-S', '--needed'] },
  { packages: 'alpine', ids: ['alpine'], install: ['apk', 'add'] },
];

type OtherNames = Partial<Record<Packages, string | null>>;

/** Programs that others have in a package of another name, where Debian has them in one with others. */
const OTHER_NAMES_OF_PROGRAMS: Readonly<Record<string, OtherNames>> = {
  rpmspec: { redhat: 'rpm-build', suse: 'rpm-build' },
  rpmbuild: { redhat: 'rpm-build', suse: 'rpm-build' },
};

/** What others call a package of Debian; null where they have none. What is not here has the same name everywhere. */
const OTHER_NAMES: Readonly<Record<string, OtherNames>> = {
  'xz-utils': { redhat: 'xz', suse: 'xz', arch: 'xz', alpine: 'xz' },
  'libarchive-tools': { redhat: 'bsdtar', suse: 'bsdtar', arch: 'libarchive' },
  apt: { suse: null, alpine: null },
  'libc6:i386': { redhat: 'glibc.i686', suse: 'glibc-32bit', arch: 'lib32-glibc', alpine: null },
};

/** dpkg takes packages of another architecture only once it has been told of it. Source: dpkg(1), --add-architecture. */
function beforeForeign(names: readonly string[], packages: Packages): readonly string[] {
  if (packages !== 'debian') return [];
  const foreign = new Set(names.flatMap((name) => /:(\w+)$/.exec(name)?.[1] ?? []));
  if (foreign.size === 0) return [];
  const added = [...foreign].map((name) => typedShell(['dpkg', '--add-architecture', name]));
  return [...added, typedShell(['apt-get', 'update'])];
}

/** Compilers of several versions beside each other are Debian's way. */
const VERSIONED_COMPILER = /^gcc-\d/;

/**
 * How tools come onto this machine, as one line to read: the command of its own distro, and by name what no package of
 * that is known to bring.
 * @param osRelease the text of this machine's os-release
 */
export function installText(tools: readonly Program[], osRelease: string): string {
  const names = [...osRelease.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap(([, words = '']) =>
    words.replace(/["']/g, '').toLowerCase().split(/\s+/),
  );
  const installer = INSTALLERS.find(({ ids }) =>
    ids.some((id) => names.some((name) => name === id || name.startsWith(`${id}-`))),
  );
  const named = tools.map((tool) => ({
    tool,
    name: installer && nameThere(tool, installer.packages),
  }));
  const known = [...new Set(named.flatMap(({ name }) => name ?? []))];
  const others = named.filter(({ name }) => typeof name !== 'string').map(({ tool }) => tool.name);
  return [
    ...(installer === undefined || known.length === 0
      ? []
      : [...beforeForeign(known, installer.packages), typedShell([...installer.install, ...known])]),
    ...(others.length === 0 ? [] : [`install on this machine ${others.join(', ')}`]),
  ].join('; ');
}

function nameThere({ name: program, package: name }: Program, packages: Packages): string | null {
  if (packages === 'debian') return name;
  if (VERSIONED_COMPILER.test(name)) return null;
  const other = OTHER_NAMES_OF_PROGRAMS[program]?.[packages] ?? OTHER_NAMES[name]?.[packages];
  return other === undefined ? name : other;
}

/** The same for the machine that mptfix runs on. */
export async function installCommand(tools: readonly Program[]): Promise<string> {
  const texts = ['/etc/os-release', '/usr/lib/os-release'].map((path) => readFile(path, 'utf8'));
  return installText(tools, await Promise.any(texts).catch(() => ''));
}
