import type { Assessment } from '../assess/assess.ts';
import type { BuildOptions } from '../build-options.ts';
import { failure } from '../errors.ts';
import type { Origin } from '../kernel-source/provider.ts';
import { providerFor } from '../kernel-source/provider.ts';
import { kernelSeries } from '../versions/kernel-base.ts';

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

type OriginOptions = Pick<BuildOptions, 'source' | 'headers' | 'offline' | 'wholeTree'>;

function sourceOrigin({ facts }: Assessment, options: OriginOptions): Origin {
  if (options.source !== undefined) return { kind: 'local', path: options.source };
  const { distro, kernel } = facts;
  const provider = requireProvider(distro, options);
  if (kernel.base === undefined) {
    throw failure(
      'E_SOURCE_MISSING',
      `${kernel.release} does not show its kernel version, so mptfix cannot name its source package`,
      'give --source the source of exactly this kernel',
    );
  }
  const name = provider.source(kernelSeries(kernel.base));
  const version = kernel.packageVersion ?? null;
  if (options.offline) {
    throw failure(
      'E_SOURCE_MISSING',
      `--offline, and no --source`,
      `fetch ${name} elsewhere and give its tarball with --source`,
    );
  }
  return { kind: 'package', name, version };
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
  const provider = requireProvider(distro, options);
  if (guestHeaders !== undefined) return { kind: 'guest', path: guestHeaders };
  const name = provider.headers(kernel.release);
  if (options.offline) {
    throw failure(
      'E_HEADERS_MISSING',
      `--offline, and the guest has no headers`,
      `install ${name} on the guest, or unpack it and give --headers`,
    );
  }
  return { kind: 'package', name, version: kernel.packageVersion ?? null };
}

function requireProvider(
  distro: Assessment['facts']['distro'],
  options: OriginOptions,
): NonNullable<ReturnType<typeof providerFor>> {
  const provider = providerFor(distro.id);
  if (provider !== undefined) return provider;
  const missing = [
    options.source === undefined ? '--source' : '',
    options.headers === undefined ? '--headers' : '',
  ];
  throw failure(
    'E_DISTRO_UNKNOWN',
    `mptfix does not know where the distro ${JSON.stringify(distro.pretty)} keeps its kernel source and headers`,
    `give ${missing.filter(Boolean).join(' and ')}; both must belong to exactly this kernel`,
  );
}
