import { dirname, join } from 'node:path';
import { makeFolders } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import type { Workspace } from '../work/workspace.ts';

const ETC = '/etc/apt';
const KEY_FOLDERS = [`${ETC}/trusted.gpg.d`, '/usr/share/keyrings', `${ETC}/keyrings`];

/**
 * Lays out a private apt: the origin's sources and keys, with its own folders for lists and packages, so that neither
 * the guest's nor this machine's apt is touched. This machine's apt.conf stays in force, for its proxy.
 * Returns the configuration file for `-c`.
 */
export async function layOutApt(workspace: Workspace, origin: Target): Promise<string> {
  const { machine } = workspace;
  const home = workspace.at('apt');
  for (const folder of [
    'etc/sources.list.d',
    'etc/trusted.gpg.d',
    'state/lists/partial',
    'cache/archives/partial',
  ]) {
    await makeFolders(machine, join(home, folder));
  }
  await machine.write(join(home, 'status'), '');
  for (const { name, text } of await sourceFiles(origin)) {
    await machine.write(join(home, 'etc/sources.list.d', name), privateKeys(text, home));
    for (const path of namedKeys(text)) await copyKey(origin, path, join(home, 'keys', path), machine);
  }
  for (const folder of KEY_FOLDERS) await copyKeys(origin, folder, join(home, 'keys', folder), machine);
  await copyKeys(origin, `${ETC}/trusted.gpg.d`, join(home, 'etc/trusted.gpg.d'), machine);
  const hasKeyring = await copyKey(origin, `${ETC}/trusted.gpg`, join(home, 'etc/trusted.gpg'), machine);
  await copyCredentials(origin, home, machine);
  const file = join(home, 'apt.conf');
  await machine.write(file, configuration(home, hasKeyring));
  await workspace.handOver(home);
  return file;
}

/** Whether the origin names any archive: a bare tree may not. */
export async function hasSources(origin: Target): Promise<boolean> {
  const files = await sourceFiles(origin);
  return files.some(({ text }) => /^\s*deb(-src)?\s|^\s*URIs:/m.test(text));
}

async function sourceFiles(origin: Target): Promise<readonly { name: string; text: string }[]> {
  const folder = `${ETC}/sources.list.d`;
  const names = (await origin.list(folder)).filter((name) => /^[\w.-]+\.(list|sources)$/.test(name));
  const paths = [`${ETC}/sources.list`, ...names.map((name) => `${folder}/${name}`)];
  const files: { name: string; text: string }[] = [];
  for (const path of paths) {
    const text = await origin.readText(path);
    if (text !== undefined) files.push({ name: path.replace(/^.*\//, ''), text });
  }
  return files;
}

/**
 * `Signed-By: /a.gpg /b.gpg` in the newer form, `signed-by=/a.gpg,/b.gpg` in the older one.
 * Source: sources.list(5), "Signed-By".
 */
const SIGNED_BY = /(?:Signed-By:|signed-by=)(?:[\s,]*\/[^\s,\]]+)+/gi;
const KEY_PATH = /\/[^\s,\]]+/g;

/** The paths of keys mean the origin's files, not this machine's. */
function privateKeys(text: string, home: string): string {
  return text.replace(SIGNED_BY, (field) => field.replace(KEY_PATH, (path) => join(home, 'keys', path)));
}

function namedKeys(text: string): readonly string[] {
  return (text.match(SIGNED_BY) ?? []).flatMap((field) => field.match(KEY_PATH) ?? []);
}

/** Returns whether there was such a file. */
async function copyKey(origin: Target, from: string, to: string, machine: Target): Promise<boolean> {
  if ((await origin.stat(from))?.type !== 'file') return false;
  await makeFolders(machine, dirname(to));
  await machine.write(to, await origin.read(from));
  return true;
}

async function copyKeys(origin: Target, from: string, to: string, machine: Target): Promise<void> {
  for (const name of await origin.list(from)) {
    if (!/^[\w.+-]+\.(gpg|asc|pgp)$/.test(name)) continue;
    await copyKey(origin, `${from}/${name}`, join(to, name), machine);
  }
}

/** Only root may read auth.conf; only the unprivileged user may read the private copy, which is removed with the folder. */
async function copyCredentials(origin: Target, home: string, machine: Target): Promise<void> {
  const parts = (await origin.list(`${ETC}/auth.conf.d`)).map((name) => `${ETC}/auth.conf.d/${name}`);
  const texts = await Promise.all([`${ETC}/auth.conf`, ...parts].map((path) => origin.readText(path)));
  const text = texts.filter((part) => part !== undefined).join('\n');
  if (text !== '') await machine.write(join(home, 'auth.conf'), text, { mode: 0o600 });
}

function configuration(home: string, hasKeyring: boolean): string {
  const folder = (name: string): string => JSON.stringify(join(home, name));
  return [
    '// Hooks of this machine are for its own packages.',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '#clear APT::Update::Pre-Invoke;',
    `Dir::State ${folder('state')};`,
    `Dir::State::lists ${folder('state/lists')};`,
    `Dir::State::status ${folder('status')};`,
    `Dir::Cache ${folder('cache')};`,
    `Dir::Etc::sourcelist "/dev/null";`,
    `Dir::Etc::sourceparts ${folder('etc/sources.list.d')};`,
    `Dir::Etc::trusted ${hasKeyring ? folder('etc/trusted.gpg') : '"/dev/null"'};`,
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
