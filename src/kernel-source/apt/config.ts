import { join } from 'node:path';
import { sha256 } from '../../hash.ts';
import { LIMITS } from '../../limits.ts';
import { makeFolders } from '../../machine/folders.ts';
import type { Target } from '../../machine/port.ts';
import type { Workspace } from '../../work/workspace.ts';
import { type AptSource, parseSources, SOURCE_TRUST, sourceText } from './sources.ts';

const ETC = '/etc/apt';

/** More than any distro's: a hostile tree must not make apt ask a thousand archives. */
const MAX_SOURCES = 100;
/** Debian's own keyring has some 60 KB. */
const MAX_KEY_BYTES = 1024 * 1024;

/** Archives that are read instead of those that the origin names. */
export interface AptMirrors {
  readonly sources: readonly AptSource[];
  /** Files of this machine with keys that count beside those of the origin. */
  readonly keys: readonly string[];
}

export interface AptLayout {
  /** Whose packages are wanted, as dpkg calls it: the guest's. This machine's where it is not given. */
  readonly architecture?: string | undefined;
  readonly mirrors?: AptMirrors | undefined;
}

/**
 * Lays out a private apt: the origin's sources and keys, with its own folders for lists and packages, so that neither
 * the guest's nor this machine's apt is touched. Of a tree only what SOURCE_TRUST names is taken over. No name of the
 * origin becomes a name here: the sources are one file of ours, and a key's file is named after its hash.
 * This machine's apt.conf stays in force, for its proxy.
 * Returns the configuration file for `-c`.
 */
export async function layOutApt(
  workspace: Workspace,
  origin: Target,
  { architecture, mirrors }: AptLayout = {},
): Promise<string> {
  const { machine } = workspace;
  const home = workspace.fetched('apt');
  const keys = join(home, 'keys');
  const trusted = join(home, 'etc/trusted.gpg.d');
  for (const folder of [
    keys,
    trusted,
    join(home, 'etc/sources.list.d'),
    join(home, 'state/lists/partial'),
    join(home, 'cache/archives/partial'),
  ]) {
    await makeFolders(machine, folder);
  }
  await machine.write(join(home, 'status'), '');
  const texts: string[] = [];
  if (mirrors === undefined) {
    for (const source of await sourcesOf(origin))
      texts.push(sourceText(source, await keysOf(source, origin, keys, machine)));
  } else {
    texts.push(...mirrors.sources.map((source) => sourceText(source, [])));
    for (const path of mirrors.keys) await copyKey(machine, path, trusted, machine);
    for (const path of await keyrings(origin)) await copyKey(origin, path, trusted, machine);
  }
  await machine.write(join(home, 'etc/sources.list.d/mptfix.sources'), texts.join('\n'));
  for (const path of await trustedKeys(origin)) await copyKey(origin, path, trusted, machine);
  if (SOURCE_TRUST[origin.kind].credentials) await copyCredentials(origin, home, machine);
  const file = join(home, 'apt.conf');
  await machine.write(file, configuration(home, architecture));
  await workspace.handOver(home);
  return file;
}

/** Where the distros' own packages of keys put them. A mirror has no entry that names one of these. */
async function keyrings(origin: Target): Promise<readonly string[]> {
  const folder = '/usr/share/keyrings';
  const names = (await origin.list(folder)).filter((name) =>
    /^[\w.+-]*archive[\w.+-]*\.(gpg|asc)$/.test(name),
  );
  return names.map((name) => `${folder}/${name}`);
}

/** Whether the origin names any archive that may be read: a bare tree may not. */
export async function hasSources(origin: Target): Promise<boolean> {
  return (await sourcesOf(origin)).length > 0;
}

async function sourcesOf(origin: Target): Promise<readonly AptSource[]> {
  const folder = `${ETC}/sources.list.d`;
  const names = (await origin.list(folder)).filter((name) => /^[\w.-]+\.(list|sources)$/.test(name));
  const sources: AptSource[] = [];
  for (const path of [`${ETC}/sources.list`, ...names.map((name) => `${folder}/${name}`)]) {
    const form = path.endsWith('.sources') ? 'sources' : 'list';
    sources.push(
      ...parseSources((await origin.readText(path, LIMITS.textBytes)) ?? '', form, SOURCE_TRUST[origin.kind]),
    );
  }
  return sources.slice(0, MAX_SOURCES);
}

/** Brings the keys of an entry; returns what its Signed-By is here. */
async function keysOf(
  { signedBy, embeddedKey }: AptSource,
  origin: Target,
  folder: string,
  machine: Target,
): Promise<readonly string[]> {
  // In the entry a dot stands for an empty line. Source: sources.list(5), "Signed-By".
  if (embeddedKey !== undefined)
    return [await keepKey(Buffer.from(embeddedKey.replaceAll(/^[ \t]*\.?$/gm, '')), folder, machine)];
  const here: string[] = [];
  for (const word of signedBy) {
    if (FINGERPRINT.test(word)) here.push(word);
    else if (word.startsWith('/')) here.push((await copyKey(origin, word, folder, machine)) ?? '');
  }
  const known = here.filter((word) => word !== '');
  // An entry whose keys are all missing must not be checked with any key instead.
  return known.some((word) => word.startsWith('/')) || signedBy.length === 0
    ? known
    : [join(folder, 'missing.gpg')];
}

const FINGERPRINT = /^[0-9A-Fa-f]{40}!?$/;

/** The files whose keys are good for every archive that names none. */
async function trustedKeys(origin: Target): Promise<readonly string[]> {
  const folder = `${ETC}/trusted.gpg.d`;
  const names = (await origin.list(folder)).filter((name) => /^[\w.+-]+\.(gpg|asc)$/.test(name));
  return [`${ETC}/trusted.gpg`, ...names.map((name) => `${folder}/${name}`)];
}

/** Returns where the key is now; undefined where there is no such file, or one that is too large for a keyring. */
async function copyKey(
  origin: Target,
  from: string,
  folder: string,
  machine: Target,
): Promise<string | undefined> {
  const status = await origin.stat(from);
  if (status?.type !== 'file' || status.size > MAX_KEY_BYTES) return undefined;
  return keepKey(await origin.read(from, LIMITS.textBytes), folder, machine);
}

/** apt tells an armored key from a keyring by the name. */
async function keepKey(key: Buffer, folder: string, machine: Target): Promise<string> {
  const suffix = key.toString('latin1', 0, 1024).trimStart().startsWith('-----BEGIN PGP') ? 'asc' : 'gpg';
  const path = join(folder, `${sha256(key)}.${suffix}`);
  await machine.write(path, key);
  return path;
}

/** Only root may read auth.conf; only the user that fetches may read the private copy, which is removed with the folder. */
async function copyCredentials(origin: Target, home: string, machine: Target): Promise<void> {
  const parts = (await origin.list(`${ETC}/auth.conf.d`)).map((name) => `${ETC}/auth.conf.d/${name}`);
  const texts = await Promise.all(
    [`${ETC}/auth.conf`, ...parts].map((path) => origin.readText(path, LIMITS.textBytes)),
  );
  const text = texts.filter((part) => part !== undefined).join('\n');
  if (text !== '') await machine.write(join(home, 'auth.conf'), text, { mode: 0o600 });
}

function configuration(home: string, architecture: string | undefined): string {
  const folder = (name: string): string => JSON.stringify(join(home, name));
  return [
    '// Hooks of this machine are for its own packages.',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '#clear APT::Update::Pre-Invoke;',
    ...(architecture === undefined ? [] : architectureWords(architecture)),
    `Dir::State ${folder('state')};`,
    `Dir::State::lists ${folder('state/lists')};`,
    `Dir::State::status ${folder('status')};`,
    `Dir::Cache ${folder('cache')};`,
    `Dir::Etc::sourcelist "/dev/null";`,
    `Dir::Etc::sourceparts ${folder('etc/sources.list.d')};`,
    `Dir::Etc::trusted "/dev/null";`,
    `Dir::Etc::trustedparts ${folder('etc/trusted.gpg.d')};`,
    `Dir::Etc::netrc ${folder('auth.conf')};`,
    `Dir::Etc::netrcparts "/dev/null";`,
    `Dir::Etc::preferences "/dev/null";`,
    `Dir::Etc::preferencesparts "/dev/null";`,
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    'APT::Get::AllowUnauthenticated "false";',
    'Acquire::AllowInsecureRepositories "false";',
    '',
  ].join('\n');
}

/** apt would also ask this machine's dpkg for the architectures that it knows. */
function architectureWords(architecture: string): readonly string[] {
  const word = JSON.stringify(architecture);
  return ['#clear APT::Architectures;', `APT::Architecture ${word};`, `APT::Architectures { ${word}; };`];
}
