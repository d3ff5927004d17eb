/** The package world that a guest belongs to: which tools, which source packages, which version order. */
export type Family = 'debian' | 'redhat' | 'suse' | 'unknown';

/** Which distribution a tree holds, as its release files tell. All texts are printable and short. */
export interface Distro {
  /**
   * Lower case: `debian`, `ubuntu`, `rhel`, `centos`, `oracle`, `scientific`, `fedora`, `sles`, `sled`,
   * `opensuse` and others as os-release names them; `unknown` where nothing is told.
   */
  readonly id: string;
  readonly family: Family;
  /**
   * `12`, `6.06`, `4.4` (RHEL 4 Update 4), `10.1` (SLES 10 SP1); empty where the files name none (Debian
   * sid).
   */
  readonly version: string;
  readonly codename?: string;
  /** One line for a person. */
  readonly pretty: string;
  /** The file that decided; empty where none did. */
  readonly source: string;
}

/** Ids as os-release(5) and lsb-release spell them, in lower case, with our name and the family. */
const KNOWN: Readonly<Record<string, readonly [id: string, family: Family]>> = {
  debian: ['debian', 'debian'],
  ubuntu: ['ubuntu', 'debian'],
  raspbian: ['raspbian', 'debian'],
  linuxmint: ['linuxmint', 'debian'],
  devuan: ['devuan', 'debian'],
  kali: ['kali', 'debian'],
  pop: ['pop', 'debian'],
  rhel: ['rhel', 'redhat'],
  redhatenterpriselinux: ['rhel', 'redhat'],
  centos: ['centos', 'redhat'],
  fedora: ['fedora', 'redhat'],
  ol: ['oracle', 'redhat'],
  scientific: ['scientific', 'redhat'],
  rocky: ['rocky', 'redhat'],
  almalinux: ['almalinux', 'redhat'],
  amzn: ['amzn', 'redhat'],
  sles: ['sles', 'suse'],
  sles_sap: ['sles', 'suse'],
  sled: ['sled', 'suse'],
  suse: ['opensuse', 'suse'],
  opensuse: ['opensuse', 'suse'],
  'opensuse-leap': ['opensuse', 'suse'],
  'opensuse-tumbleweed': ['opensuse', 'suse'],
};

/** The id and the family of a name out of a release file; a name that is not known passes, with no family. */
export function knownId(name: string): { id: string; family: Family } {
  const key = asId(name);
  const [id, family] = Object.hasOwn(KNOWN, key)
    ? (KNOWN[key] ?? [key, 'unknown'])
    : [key, 'unknown' as const];
  return { id: id === '' ? 'unknown' : id, family };
}

/** The family of an ID_LIKE list, `rhel fedora` or `ubuntu debian`: the first name that is known. */
export function familyOf(idLike: string): Family {
  const families = idLike.split(' ').map((name) => knownId(name).family);
  return families.find((family) => family !== 'unknown') ?? 'unknown';
}

/**
 * By the number before the first dot, or all of it before Debian 4. Source: Debian's own list of releases.
 */
const DEBIAN_CODENAMES: Readonly<Record<string, string>> = {
  '3.0': 'woody',
  '3.1': 'sarge',
  '4': 'etch',
  '5': 'lenny',
  '6': 'squeeze',
  '7': 'wheezy',
  '8': 'jessie',
  '9': 'stretch',
  '10': 'buster',
  '11': 'bullseye',
  '12': 'bookworm',
  '13': 'trixie',
  '14': 'forky',
};

export function debianCodename(version: string): string | undefined {
  const [major = '', minor = ''] = version.split('.');
  return DEBIAN_CODENAMES[`${major}.${minor}`] ?? DEBIAN_CODENAMES[major];
}

function asId(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9._-]/g, '')
    .slice(0, 32);
}
