import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import { defined } from '../optional.ts';
import { assignments, cleanLines, cleanText, cleanVersion } from './clean-text.ts';

/** The package world that a guest belongs to: which tools, which source packages, which version order. */
export type Family = 'debian' | 'redhat' | 'suse' | 'unknown';

/** Which distribution a guest is, as its release files say. All texts are printable and short. */
export interface Distro {
  /**
   * Lower case: `debian`, `ubuntu`, `rhel`, `centos`, `oracle`, `scientific`, `fedora`, `sles`, `sled`,
   * `opensuse` and others as os-release names them; `unknown` where no file says.
   */
  readonly id: string;
  readonly family: Family;
  /** `12`, `6.06`, `4.4` (RHEL 4 Update 4), `10.1` (SLES 10 SP1); empty where the files name none (Debian sid). */
  readonly version: string;
  readonly codename?: string;
  /** One line for a person. */
  readonly pretty: string;
  /** The file that decided; empty where none did. */
  readonly source: string;
}

/** Ids as os-release(5) and lsb-release spell them, in lower case, by family. */
const FAMILIES: readonly (readonly [family: Family, ids: readonly string[]])[] = [
  ['debian', ['debian', 'ubuntu', 'raspbian', 'linuxmint', 'devuan', 'kali', 'pop']],
  ['redhat', ['rhel', 'redhatenterpriselinux', 'centos', 'fedora', 'ol', 'scientific']],
  ['redhat', ['rocky', 'almalinux', 'amzn']],
  ['suse', ['sles', 'sles_sap', 'sled', 'suse', 'opensuse', 'opensuse-leap', 'opensuse-tumbleweed']],
];

/** Those ids for which we have another name. */
const OUR_NAMES: ReadonlyMap<string, string> = new Map([
  ['redhatenterpriselinux', 'rhel'],
  ['ol', 'oracle'],
  ['sles_sap', 'sles'],
  ['suse', 'opensuse'],
  ['opensuse-leap', 'opensuse'],
  ['opensuse-tumbleweed', 'opensuse'],
]);

/** The id and the family of a name in a release file; an unknown name passes, without a family. */
function knownId(name: string): { id: string; family: Family } {
  const key = asId(name);
  const [family = 'unknown'] = FAMILIES.find(([, ids]) => ids.includes(key)) ?? [];
  return { id: (OUR_NAMES.get(key) ?? key) || 'unknown', family };
}

/** The family of an ID_LIKE list, `rhel fedora` or `ubuntu debian`: the first name that is known. */
function familyOf(idLike: string): Family {
  const families = idLike.split(' ').map((name) => knownId(name).family);
  return families.find((family) => family !== 'unknown') ?? 'unknown';
}

/** By the number before the first dot, or by all of it before Debian 4. Source: Debian's own list of releases. */
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

function debianCodename(version: string): string | undefined {
  const [major = '', minor = ''] = version.split('.');
  return DEBIAN_CODENAMES[`${major}.${minor}`] ?? DEBIAN_CODENAMES[major];
}

function asId(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9._-]/g, '')
    .slice(0, 32);
}

/** What one file says; `detectDistro` adds the file. */
type Described = Omit<Distro, 'source'>;

interface ReleaseFile {
  readonly path: string;
  /** Undefined where the file does not name a distribution: RHEL's lsb-release holds only LSB_VERSION. */
  readonly parse: (text: string) => Described | undefined;
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

/** The files to read, in the order of trust. */
export const RELEASE_FILES: readonly string[] = PARSERS.map((file) => file.path);

const UNKNOWN: Distro = {
  id: 'unknown',
  family: 'unknown',
  version: '',
  pretty: 'unknown distribution',
  source: '',
};

/**
 * Which distribution the files describe. `files`: path on the guest → its text. Pure; takes any content, and the answer
 * is always printable and short.
 *
 * The first file that names a distribution decides. Where its family is not known, the next file that has one gives it:
 * a derivative keeps its parent's old files.
 */
export function detectDistro(files: Readonly<Record<string, string | undefined>>): Distro {
  const described = PARSERS.flatMap(({ path, parse }) => {
    const distro = parse(files[path] ?? '');
    return distro === undefined ? [] : [{ ...distro, source: path }];
  });
  const family = described.find((distro) => distro.family !== 'unknown')?.family ?? 'unknown';
  return { ...(described[0] ?? UNKNOWN), family };
}

/** Which distribution the guest is, by its release files. */
export async function readDistro(target: Pick<TargetReads, 'readText'>): Promise<Distro> {
  const entries = RELEASE_FILES.map(
    async (path) => [path, await target.readText(path, LIMITS.textBytes)] as const,
  );
  return detectDistro(Object.fromEntries(await Promise.all(entries)));
}

function osRelease(text: string): Described | undefined {
  const values = assignments(text);
  const name = values.get('ID') ?? values.get('NAME')?.split(' ')[0];
  const known = knownId(name ?? '');
  if (known.id === 'unknown') return undefined;
  const family = known.family === 'unknown' ? familyOf(values.get('ID_LIKE') ?? '') : known.family;
  const version = cleanVersion(values.get('VERSION_ID') ?? '');
  const codename = values.get('VERSION_CODENAME') || /\(([^()]+)\)/.exec(values.get('VERSION') ?? '')?.[1];
  const pretty = values.get('PRETTY_NAME') ?? values.get('NAME');
  return describe({ id: known.id, family, version, codename, pretty });
}

function lsbRelease(text: string): Described | undefined {
  const values = assignments(text);
  const { id, family } = knownId(values.get('DISTRIB_ID') ?? '');
  if (id === 'unknown') return undefined;
  const version = cleanVersion(values.get('DISTRIB_RELEASE') ?? '');
  const [codename, pretty] = [values.get('DISTRIB_CODENAME'), values.get('DISTRIB_DESCRIPTION')];
  return describe({ id, family, version, codename, pretty });
}

/** How the one line of the Red Hat family begins. The first that fits decides, so the longer names come first. */
const RED_HAT_NAMES: readonly (readonly [pattern: RegExp, id: string])[] = [
  [/^(?:Oracle|Enterprise) Linux/, 'oracle'],
  [/^CentOS/, 'centos'],
  [/^Scientific Linux/, 'scientific'],
  [/^Fedora/, 'fedora'],
  [/^Rocky Linux/, 'rocky'],
  [/^AlmaLinux/, 'almalinux'],
  [/^Red Hat (?:Enterprise Linux|Linux Advanced Server)/, 'rhel'],
  [/^Red Hat Linux/, 'redhatlinux'],
  // They keep Red Hat's name of the file, and not its kernels.
  [/^Asianux/, 'asianux'],
  [/^MIRACLE LINUX/i, 'miraclelinux'],
  [/^Red ?Flag/, 'redflag'],
  [/^Mandr(?:iva|ake)/, 'mandriva'],
  [/^Turbolinux/i, 'turbolinux'],
];

/** `Red Hat Enterprise Linux AS release 4 (Nahant Update 4)`, `CentOS release 5.1 (Final)` and the like. */
function releaseLine(text: string): Described | undefined {
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
  return describe({ id, family: 'redhat', version, codename, pretty: line });
}

const SUSE_NAMES: readonly (readonly [pattern: RegExp, id: string])[] = [
  [/^openSUSE/i, 'opensuse'],
  [/Enterprise Server|SLES|Open Enterprise/i, 'sles'],
  [/Enterprise Desktop|Linux Desktop/i, 'sled'],
  [/^SuSE Linux [\d.]+/i, 'opensuse'],
];

/** A line of the product's name, then `VERSION = 10` and, from SLES 9 on, `PATCHLEVEL = 1`. */
function suseRelease(text: string): Described | undefined {
  const title = cleanLines(text)[0];
  if (title === undefined) return undefined;
  const values = assignments(text);
  const id = SUSE_NAMES.find(([pattern]) => pattern.test(title))?.[1] ?? 'unknown';
  const number = cleanVersion(values.get('VERSION') ?? / (\d{1,4}(?:\.\d{1,4})?)/.exec(title)?.[1] ?? '');
  const level = Number(/^\d{1,3}$/.exec(values.get('PATCHLEVEL') ?? '')?.[0] ?? 0);
  const version = level > 0 ? `${number}.${level}` : number;
  const pretty = level > 0 ? `${title} SP${level}` : title;
  return describe({ id, family: 'suse', version, codename: values.get('CODENAME'), pretty });
}

/** `4.0` or `5.0.10`, and of testing `lenny/sid`, which has a name but no number yet. */
function debianVersion(text: string): Described | undefined {
  const line = cleanLines(text)[0];
  if (line === undefined) return undefined;
  const version = /^\d{1,4}(?:\.\d{1,4}){0,2}/.exec(line)?.[0] ?? '';
  const testing = /^([a-z]{2,20})\/(?:sid|unstable)$/.exec(line)?.[1];
  const codename = testing === 'testing' ? undefined : (testing ?? debianCodename(version));
  return describe({ id: 'debian', family: 'debian', version, codename, pretty: `Debian GNU/Linux ${line}` });
}

/** What a file says, with both texts cleaned; one that is empty or missing is replaced or left out. */
function describe(
  found: Pick<Distro, 'id' | 'family' | 'version'> & Record<'codename' | 'pretty', string | undefined>,
): Described {
  const { id, family, version } = found;
  const codename = cleanText(found.codename ?? '') || undefined;
  const pretty = cleanText(found.pretty ?? '') || `${id} ${version}`.trim();
  return { id, family, version, ...defined({ codename }), pretty };
}
