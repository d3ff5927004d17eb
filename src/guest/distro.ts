import type { TargetReads } from '../machine/port.ts';
import { assignments, cleanLines, cleanText, cleanVersion } from './clean-text.ts';

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

/** What one file tells; the rest is filled in by `detectDistro`. */
type Told = Omit<Distro, 'source'>;

interface ReleaseFile {
  readonly path: string;
  /** Undefined where the file does not name a distribution: RHEL's lsb-release holds only LSB_VERSION. */
  readonly parse: (text: string) => Told | undefined;
}

/**
 * In the order of trust. os-release is the standard. Of the older ones a distribution's own file comes before
 * one that its rebuilds share: Oracle Linux says "Red Hat" in redhat-release, Ubuntu says "testing/unstable"
 * in debian_version.
 */
const PARSERS: readonly ReleaseFile[] = [
  { path: '/etc/os-release', parse: osRelease },
  { path: '/usr/lib/os-release', parse: osRelease },
  { path: '/etc/oracle-release', parse: releaseLine },
  { path: '/etc/enterprise-release', parse: releaseLine },
  { path: '/etc/centos-release', parse: releaseLine },
  { path: '/etc/fedora-release', parse: releaseLine },
  { path: '/etc/redhat-release', parse: releaseLine },
  { path: '/etc/SuSE-release', parse: suseRelease },
  { path: '/etc/lsb-release', parse: lsbRelease },
  { path: '/etc/debian_version', parse: debianVersion },
];

/**
 * The files to read, in the order of trust. One that is not there is left out of `detectDistro`'s argument.
 */
export const RELEASE_FILES: readonly string[] = PARSERS.map((file) => file.path);

const UNKNOWN: Distro = {
  id: 'unknown',
  family: 'unknown',
  version: '',
  pretty: 'unknown distribution',
  source: '',
};

/**
 * Which distribution the files describe. `files`: path on the guest → its text. Pure; any content is taken,
 * and whatever is in it, the answer is printable and short.
 *
 * The first file that names a distribution decides. Where nobody knows that one's family, it takes the family
 * of the next file that has one: a derivative keeps its parent's old files.
 */
export function detectDistro(files: Readonly<Record<string, string | undefined>>): Distro {
  const told: Distro[] = [];
  for (const { path, parse } of PARSERS) {
    const text = files[path];
    const distro = text === undefined ? undefined : parse(text);
    if (distro !== undefined) told.push({ ...distro, source: path });
  }
  const first = told[0] ?? UNKNOWN;
  const family = told.find((distro) => distro.family !== 'unknown')?.family ?? 'unknown';
  return { ...first, family };
}

/** Which distribution the guest is, by its release files. */
export async function readDistro(target: Pick<TargetReads, 'readText'>): Promise<Distro> {
  const texts = await Promise.all(
    RELEASE_FILES.map(async (path) => [path, await target.readText(path)] as const),
  );
  return detectDistro(Object.fromEntries(texts));
}

function osRelease(text: string): Told | undefined {
  const values = assignments(text);
  const name = values.get('ID') ?? values.get('NAME')?.split(' ')[0];
  const known = knownId(name ?? '');
  if (known.id === 'unknown') return undefined;
  const family = known.family === 'unknown' ? familyOf(values.get('ID_LIKE') ?? '') : known.family;
  const version = cleanVersion(values.get('VERSION_ID') ?? '');
  const codename = values.get('VERSION_CODENAME') || /\(([^()]+)\)/.exec(values.get('VERSION') ?? '')?.[1];
  return described(known.id, family, version, codename, values.get('PRETTY_NAME') ?? values.get('NAME'));
}

function lsbRelease(text: string): Told | undefined {
  const values = assignments(text);
  const { id, family } = knownId(values.get('DISTRIB_ID') ?? '');
  if (id === 'unknown') return undefined;
  const version = cleanVersion(values.get('DISTRIB_RELEASE') ?? '');
  return described(id, family, version, values.get('DISTRIB_CODENAME'), values.get('DISTRIB_DESCRIPTION'));
}

/**
 * How the one line of the Red Hat family begins. The first that fits decides, so the longer names come first.
 */
const RED_HAT_NAMES: readonly (readonly [pattern: RegExp, id: string])[] = [
  [/^(?:Oracle|Enterprise) Linux/, 'oracle'],
  [/^CentOS/, 'centos'],
  [/^Scientific Linux/, 'scientific'],
  [/^Fedora/, 'fedora'],
  [/^Rocky Linux/, 'rocky'],
  [/^AlmaLinux/, 'almalinux'],
  [/^Red Hat (?:Enterprise Linux|Linux Advanced Server)/, 'rhel'],
  [/^Red Hat Linux/, 'redhatlinux'],
];

/** `Red Hat Enterprise Linux AS release 4 (Nahant Update 4)`, `CentOS release 5.1 (Final)` and the like. */
function releaseLine(text: string): Told | undefined {
  const line = cleanLines(text)[0];
  const match = /^(.{1,80}?) release (\d{1,5}(?:\.\d{1,5}){0,2})/.exec(line ?? '');
  if (line === undefined || match === null) return undefined;
  const [, name = '', number = ''] = match;
  const id = RED_HAT_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'unknown';
  const note = /\(([^()]+)\)/.exec(line)?.[1] ?? '';
  const update = / Update (\d{1,2})$/.exec(note);
  const version = update === null || number.includes('.') ? number : `${number}.${Number(update[1])}`;
  // CentOS has no codenames: it puts (Final) or (Core) where RHEL has one.
  const codename = /^(?:Final|Core)$/.test(note) ? undefined : note.replace(/ Update \d{1,2}$/, '');
  return described(id, 'redhat', version, codename, line);
}

const SUSE_NAMES: readonly (readonly [pattern: RegExp, id: string])[] = [
  [/^openSUSE/i, 'opensuse'],
  [/Enterprise Server|SLES|Open Enterprise/i, 'sles'],
  [/Enterprise Desktop|Linux Desktop/i, 'sled'],
  [/^SuSE Linux [\d.]+/i, 'opensuse'],
];

/** A line of the product's name, then `VERSION = 10` and, from SLES 9 on, `PATCHLEVEL = 1`. */
function suseRelease(text: string): Told | undefined {
  const title = cleanLines(text)[0];
  if (title === undefined) return undefined;
  const values = assignments(text);
  const id = SUSE_NAMES.find(([pattern]) => pattern.test(title))?.[1] ?? 'unknown';
  const number = cleanVersion(values.get('VERSION') ?? / (\d{1,4}(?:\.\d{1,4})?)/.exec(title)?.[1] ?? '');
  const level = Number(/^\d{1,3}$/.exec(values.get('PATCHLEVEL') ?? '')?.[0] ?? 0);
  const version = level > 0 ? `${number}.${level}` : number;
  const pretty = level > 0 ? `${title} SP${level}` : title;
  return described(id, 'suse', version, values.get('CODENAME'), pretty);
}

/** `4.0` or `5.0.10`, and of testing `lenny/sid`, which has a name but no number yet. */
function debianVersion(text: string): Told | undefined {
  const line = cleanLines(text)[0];
  if (line === undefined) return undefined;
  const version = /^\d{1,4}(?:\.\d{1,4}){0,2}/.exec(line)?.[0] ?? '';
  const testing = /^([a-z]{2,20})\/(?:sid|unstable)$/.exec(line)?.[1];
  const codename = testing === 'testing' ? undefined : (testing ?? debianCodename(version));
  return described('debian', 'debian', version, codename, `Debian GNU/Linux ${line}`);
}

function described(
  id: string,
  family: Distro['family'],
  version: string,
  codename: string | undefined,
  pretty: string | undefined,
): Told {
  const name = cleanText(codename ?? '');
  const line = cleanText(pretty ?? '');
  return {
    id,
    family,
    version,
    ...(name === '' ? {} : { codename: name }),
    pretty: line === '' ? `${id} ${version}`.trim() : line,
  };
}
