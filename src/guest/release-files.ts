import { type Distro, debianCodename, familyOf, knownId } from './distro.ts';
import { assignments, cleanLines, cleanText, cleanVersion } from './release-text.ts';

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
