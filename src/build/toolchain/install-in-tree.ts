import { type Distro, readDistro } from '../../guest/distro.ts';
import type { Target } from '../../machine/port.ts';
import type { Tool } from '../../machine/tools.ts';
import { typedShell } from '../../typed.ts';

/** The command that installed packages on releases of a family; the first row that fits decides. */
interface Installer {
  readonly family: Distro['family'];
  readonly ids?: readonly string[];
  /** The releases up to this one, by the number before the dot; without it all later ones. */
  readonly upTo?: number;
  readonly install: readonly string[];
  /** It keeps compilers of several versions beside each other, under names of their own; as Debian alone does. */
  readonly keepsVersions?: true;
  readonly source: string;
}

const REBUILDS = ['rhel', 'centos', 'oracle', 'scientific', 'rocky', 'almalinux', 'asianux', 'miraclelinux'];

const INSTALLERS: readonly Installer[] = [
  { family: 'debian', install: ['apt-get', 'install', '--yes'], keepsVersions: true, source: 'apt-get(8)' },
  {
    family: 'redhat',
    ids: ['centos', 'scientific'],
    upTo: 7,
    install: ['yum', 'install', '-y'],
    source: 'CentOS 3 to 7: yum(8)',
  },
  {
    family: 'redhat',
    ids: REBUILDS,
    upTo: 4,
    install: ['up2date', '-i'],
    source: 'RHEL 3 and 4: up2date(8)',
  },
  {
    family: 'redhat',
    ids: REBUILDS,
    upTo: 7,
    install: ['yum', 'install', '-y'],
    source: 'RHEL 5 to 7: yum(8)',
  },
  {
    family: 'redhat',
    ids: ['fedora'],
    upTo: 21,
    install: ['yum', 'install', '-y'],
    source: 'Fedora 22 brought dnf',
  },
  { family: 'redhat', install: ['dnf', 'install', '-y'], source: 'dnf(8)' },
  {
    family: 'suse',
    ids: ['sles', 'sled'],
    upTo: 10,
    install: ['yast2', '--install'],
    source: 'SLES 9 and 10: yast2(8)',
  },
  { family: 'suse', install: ['zypper', 'install', '-y'], source: 'zypper(8)' },
];

/** A compiler's package whose name has its version. */
const VERSIONED = /^(gcc|g\+\+)-\d+(\.\d+)?$/;

/** How tools come into a system's tree, as one line to read, by the packages of its own distro. */
export async function installInTree(
  place: Pick<Target, 'readText' | 'name'>,
  tools: readonly Tool[],
): Promise<string> {
  const { family, id, version } = await readDistro(place);
  const number = Number.parseInt(version, 10);
  const row = INSTALLERS.find(
    (one) =>
      one.family === family &&
      (one.ids === undefined || one.ids.includes(id)) &&
      (one.upTo === undefined || number <= one.upTo),
  );
  const packages = [
    ...new Set(
      tools.map((tool) =>
        row?.keepsVersions === true ? tool.package : tool.package.replace(VERSIONED, '$1'),
      ),
    ),
  ];
  if (row === undefined) return `install there: ${packages.join(', ')}`;
  return `${typedShell(['chroot', place.name, ...row.install, ...packages])}, or the same in the running system`;
}
