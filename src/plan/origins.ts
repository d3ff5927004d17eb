import type { Assessment } from '../assess/assess.ts';
import type { BuildOptions } from '../build-options.ts';
import { failure } from '../errors.ts';
import type { Origin } from '../kernel-source/provider.ts';
import { namedPackages, requireProvider } from '../kernel-source/providers.ts';

/**
 * Where source and headers would come from; `guestHeaders` is the guest's own build folder, if it is there. Throws what makes that
 * impossible.
 */
export function planOrigins(
  assessment: Assessment,
  options: OriginOptions,
  guestHeaders: string | undefined,
): { readonly source: Origin; readonly headers: Origin } {
  return {
    source: sourceOrigin(assessment, options),
    headers: headersOrigin(assessment, options, guestHeaders),
  };
}

type OriginOptions = Pick<BuildOptions, 'source' | 'headers' | 'offline' | 'wholeTree' | 'mirrors'>;

function sourceOrigin({ facts }: Assessment, options: OriginOptions): Origin {
  if (options.source !== undefined) return { kind: 'local', path: options.source };
  const { distro, kernel } = facts;
  const names = namedPackages(requireProvider(distro, kernel, options), kernel.packageVersion);
  requireArchives(options, names, {
    code: 'E_SOURCE_MISSING',
    name: names.source,
    why: 'no --source',
    next: `fetch ${withVersion(names.source, names)} elsewhere and give its tarball with --source, or its folder with --mirror`,
  });
  return { kind: 'package', name: names.source, version: names.version };
}

function headersOrigin(
  { facts }: Assessment,
  options: OriginOptions,
  guestHeaders: string | undefined,
): Origin {
  if (options.headers !== undefined) return { kind: 'local', path: options.headers };
  const { distro, kernel } = facts;
  if (options.wholeTree) {
    return guestHeaders === undefined ? { kind: 'tree' } : { kind: 'guest', path: guestHeaders };
  }
  const provider = requireProvider(distro, kernel, options);
  if (guestHeaders !== undefined) return { kind: 'guest', path: guestHeaders };
  const names = namedPackages(provider, kernel.packageVersion);
  requireArchives(options, names, {
    code: 'E_HEADERS_MISSING',
    name: names.headers,
    why: 'the guest has no headers',
    next: `install ${withVersion(names.headers, names)} on the guest, or unpack it and give --headers, or its folder with --mirror`,
  });
  return { kind: 'package', name: names.headers, version: names.version };
}

type Names = ReturnType<typeof namedPackages>;

function withVersion(name: string, { version }: Pick<Names, 'version'>): string {
  return version === null ? name : `${name} ${version}`;
}

interface Without {
  readonly code: 'E_SOURCE_MISSING' | 'E_HEADERS_MISSING';
  readonly name: string;
  readonly why: string;
  readonly next: string;
}

/** Throws where there is nothing to take packages from: with --offline only folders of this machine serve. */
function requireArchives(
  { offline, mirrors }: OriginOptions,
  names: Names,
  { code, name, why, next }: Without,
): void {
  if (mirrors.length > 0) return;
  if (offline) throw failure(code, `--offline, and ${why}`, next);
  if (!names.needsMirror) return;
  throw failure(
    code,
    `mptfix does not know from where to fetch ${withVersion(name, names)}: the guest’s distro has no archive that is open to all`,
    `give --mirror with a URL or a folder that has this package, such as a disc of the distro; or --source and --headers`,
  );
}
