import { basename, join } from 'node:path';
import type { ArchiveOptions } from '../../build-options.ts';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Target, TargetReads } from '../../machine/port.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import type { Workspace } from '../../work/workspace.ts';
import { isNamed, requireVouched } from '../trust.ts';

/**
 * Where the distros put the keys that sign their packages. Sources: the packages redhat-release and rpm of RHEL 3 to 9,
 * rhn-client-tools of RHEL 3 and 4, openSUSE-build-key and suse-build-key.
 */
const KEY_FOLDERS: readonly (readonly [folder: string, name: RegExp])[] = [
  ['/etc/pki/rpm-gpg', /^[\w.+-]+$/],
  ['/usr/share/rhn', /^[\w.+-]*(?:GPG-KEY|gpg-key)[\w.+-]*$/],
  ['/usr/lib/rpm/gnupg/keys', /^[\w.+-]+\.asc$/],
  ['/usr/share/rpm-gpg-keys', /^[\w.+-]+$/],
];
/** A distro has a dozen keys. */
const MAX_KEYS = 100;
const MAX_KEY_BYTES = 1024 * 1024;

const DATABASE = '/rpm/database';
/** A file of keys that rpm cannot read must not hide the others. */
const CHECK =
  'file=$1; shift; for key; do rpmkeys --define "_dbpath /rpm/database" --import "$key" >/dev/null 2>&1; done; ' +
  'exec rpmkeys --define "_dbpath /rpm/database" --define "_pkgverify_level all" --checksig --verbose "$file"';

/** What rpm says of a package's signatures. */
export type Signed =
  | { readonly kind: 'good'; readonly key: string }
  /** Its own checksums hold, and nothing that a known key has signed covers it. */
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'bad'; readonly why: string };

/** The keys of a guest and those that the user gives, as files of the workspace's own. */
export async function rpmKeys(
  { machine, own, writeOwn }: Pick<Workspace, 'machine' | 'own' | 'writeOwn'>,
  guest: TargetReads,
  { mirrorKeys }: Pick<ArchiveOptions, 'mirrorKeys'>,
): Promise<readonly string[]> {
  const found: (readonly [Pick<Target, 'read' | 'stat'>, string])[] = mirrorKeys.map((path) => [
    machine,
    path,
  ]);
  for (const [folder, name] of KEY_FOLDERS)
    for (const one of (await guest.list(folder)).filter((file) => name.test(file)))
      found.push([guest, join(folder, one)]);
  const keys: string[] = [];
  for (const [origin, path] of found.slice(0, MAX_KEYS)) {
    const status = await origin.stat(path);
    if (status?.type !== 'file' || status.size > MAX_KEY_BYTES) continue;
    const key = own('keys', `${keys.length}.asc`);
    await writeOwn(key, await origin.read(path, LIMITS.textBytes));
    keys.push(key);
  }
  return keys;
}

/**
 * What vouches for an RPM: a signature by one of the keys over all of it, `--sha256`, or `--allow-unsigned`. The file must be
 * the workspace's own, so that what was checked is what is unpacked. Returns its SHA-256. Throws E_SIGNATURE.
 */
export async function requireSigned(
  workspace: Workspace,
  path: string,
  {
    keys,
    archives,
    signal,
  }: {
    readonly keys: readonly string[];
    readonly archives: ArchiveOptions;
    readonly signal: AbortSignal | undefined;
  },
): Promise<string> {
  const { machine } = workspace;
  const sha256 = await machine.hash(path, LIMITS.archiveBytes);
  if (isNamed(sha256, archives)) return sha256;
  const signed = await checkSignature(workspace, path, keys, signal);
  if (signed.kind === 'good') return sha256;
  if (signed.kind === 'unknown') {
    requireVouched({ path, sha256, why: signed.why }, archives);
    return sha256;
  }
  throw failure(
    'E_SIGNATURE',
    `${basename(path)} is damaged, or was changed after it was signed: ${signed.why}`,
    'fetch it again from another mirror; do not use this file',
  );
}

async function checkSignature(
  workspace: Workspace,
  path: string,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Signed> {
  const { machine, user } = workspace;
  await requireTools(machine, [TOOLS.rpmkeys]);
  const database = await workspace.userFolder(`rpm-${basename(path)}`);
  const shown = join('/rpm', basename(path));
  const words = keys.map((key) => join('/rpm/keys', basename(key)));
  const result = await machine.run(['sh', '-c', CHECK, 'sh', shown, ...words], {
    effect: 'write',
    user,
    signal,
    env: { HOME: '/tmp' },
    sandbox: {
      readOnly: [
        { from: path, to: shown },
        ...keys.map((key) => ({ from: key, to: join('/rpm/keys', basename(key)) })),
      ],
      writable: [{ from: database, to: DATABASE }],
    },
  });
  signal?.throwIfAborted();
  return signedAs(result.status, `${result.stdout.toString('utf8')}\n${result.stderr}`);
}

/**
 * Reads what `rpmkeys --checksig --verbose` prints: a line for each signature and checksum, such as
 * `Header V3 DSA/SHA1 Signature, key ID e8562897: OK`, with OK, NOKEY, NOTTRUSTED, BAD or NOTFOUND.
 */
export function signedAs(status: number, text: string): Signed {
  const lines = text.split('\n').map((line) => line.trim());
  const results = lines.flatMap((line) => {
    const match = /^(.*(?:[Ss]ignature|[Dd]igest)\b.*): (\w+)\b/.exec(line);
    return match === null ? [] : [{ what: match[1] ?? '', result: match[2] ?? '', line }];
  });
  const bad = results.find(
    ({ what, result }) =>
      result === 'BAD' || (/digest/i.test(what) && result !== 'OK' && result !== 'NOTFOUND'),
  );
  if (bad !== undefined) return { kind: 'bad', why: bad.line };
  const good = results.find(({ what, result }) => /signature/i.test(what) && result === 'OK');
  if (good !== undefined && status === 0)
    return { kind: 'good', key: /key ID (\w+)/i.exec(good.what)?.[1] ?? '' };
  const digests = results.filter(({ what }) => /digest/i.test(what));
  if (!digests.some(({ result }) => result === 'OK'))
    return {
      kind: 'bad',
      why: lines.find((line) => /^error|not an rpm|NOT OK/i.test(line)) ?? `rpmkeys ended with ${status}`,
    };
  const unknown = results.find(({ what, result }) => /signature/i.test(what) && result !== 'NOTFOUND');
  return {
    kind: 'unknown',
    why: unknown === undefined ? 'it is not signed' : `${unknown.line} (none of the keys here has signed it)`,
  };
}
