import type { Assessment } from '../assess/assess.ts';
import { failure } from '../errors.ts';
import { providerFor } from '../kernel-source/provider.ts';
import { kernelSeries } from '../versions/kernel-base.ts';
import type { PlanWishes } from './plan.ts';

/** Where the source or the headers come from. */
export type Origin =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'guest'; readonly path: string }
  /** No headers: the source itself is configured as the guest's kernel was. */
  | { readonly kind: 'tree' }
  | { readonly kind: 'package'; readonly name: string; readonly version: string | null };

export function originText(origin: Origin): string {
  if (origin.kind === 'package')
    return `package ${origin.name}${origin.version === null ? '' : ` ${origin.version}`}`;
  if (origin.kind === 'tree') return 'the whole source, configured as the guest’s kernel';
  return origin.kind === 'guest' ? `the guest’s ${origin.path}` : origin.path;
}

/** Where source and headers would come from. Throws what makes that impossible. */
export function planOrigins(
  assessment: Assessment,
  wishes: OriginWishes,
): { readonly source: Origin; readonly headers: Origin } {
  return { source: sourceOrigin(assessment, wishes), headers: headersOrigin(assessment, wishes) };
}

/** The wishes that say where source and headers come from. */
export type OriginWishes = Pick<PlanWishes, 'source' | 'headers' | 'offline' | 'wholeTree' | 'guestHeaders'>;

function sourceOrigin({ facts }: Assessment, wishes: OriginWishes): Origin {
  if (wishes.source !== undefined) return { kind: 'local', path: wishes.source };
  const { distro, kernel } = facts;
  const provider = requireProvider(distro, wishes);
  if (kernel.base === undefined) {
    throw failure(
      'E_SOURCE_MISSING',
      `${kernel.release} does not tell its kernel version, so its source package cannot be named`,
      'give --source the source of exactly this kernel',
    );
  }
  const name = provider.source(kernelSeries(kernel.base));
  const version = kernel.packageVersion ?? null;
  if (wishes.offline) {
    throw failure(
      'E_SOURCE_MISSING',
      `--offline, and no --source`,
      `fetch ${name} elsewhere and give its tarball with --source`,
    );
  }
  return { kind: 'package', name, version };
}

function headersOrigin({ facts }: Assessment, wishes: OriginWishes): Origin {
  if (wishes.headers !== undefined) return { kind: 'local', path: wishes.headers };
  const { distro, kernel } = facts;
  if (wishes.wholeTree) {
    return wishes.guestHeaders === undefined
      ? { kind: 'tree' }
      : { kind: 'guest', path: wishes.guestHeaders };
  }
  const provider = requireProvider(distro, wishes);
  if (wishes.guestHeaders !== undefined) return { kind: 'guest', path: wishes.guestHeaders };
  const name = provider.headers(kernel.release);
  if (wishes.offline) {
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
  wishes: OriginWishes,
): NonNullable<ReturnType<typeof providerFor>> {
  const provider = providerFor(distro.id);
  if (provider !== undefined) return provider;
  const missing = [
    wishes.source === undefined ? '--source' : '',
    wishes.headers === undefined ? '--headers' : '',
  ];
  throw failure(
    'E_DISTRO_UNKNOWN',
    `it is not known where the distro ${JSON.stringify(distro.pretty)} keeps its kernel source and headers`,
    `bring them yourself: give ${missing.filter(Boolean).join(' and ')}; both must be of exactly this kernel`,
  );
}
