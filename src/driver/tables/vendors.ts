import { compareDpkg } from '../../versions/dpkg.ts';
import type { KernelBase } from '../../versions/kernel-base.ts';
import type { Order } from '../../versions/order.ts';
import { compareRpm } from '../../versions/rpm.ts';
import { DEBIAN_ROWS, FEDORA_ROWS, SUSE_ROWS, UBUNTU_ROWS } from './by-base.ts';
import { foreignBuilder } from './foreign.ts';
import type { KernelRow, KernelVendor } from './kernel-row.ts';
import { REDHAT_ROWS } from './redhat.ts';

/** How one vendor's kernels are recognised, ordered and judged. Mainline is what remains where no vendor fits. */
export interface Vendor {
  readonly vendor: Exclude<KernelVendor, 'mainline'>;
  /** For a person. */
  readonly name: string;
  /** Ids of the distributions that run these kernels, as `src/guest/distro.ts` spells them. */
  readonly distros: readonly string[];
  /** The family whose other distributions run these kernels too, if it has one answer. */
  readonly family?: string;
  /** A mark in the local part of a release that no other kernels have; it outranks the distribution. */
  readonly tag: RegExp;
  /** What the local part of each of their releases looks like: else the kernel is somebody's own build. */
  readonly local: RegExp;
  /** The same of their kernels 2.4, where it differs. */
  readonly local24?: RegExp;
  readonly compare: (a: string, b: string) => Order;
  readonly rows: readonly KernelRow[];
}

/** The vendor of these kernels. */
export function vendorCalled(vendor: Vendor['vendor']): Vendor | undefined {
  return VENDORS.find((one) => one.vendor === vendor);
}

/**
 * Whether a distribution is one that runs this vendor's kernels, and not just of its family: a kernel without the vendor's
 * mark may be its own build there.
 */
export function runsKernelsOf({ distros, tag }: Vendor, distro: { id: string }, kernel: KernelBase): boolean {
  return distros.includes(distro.id) || tag.test(kernel.local);
}

/** In the order in which the tags are tried. */
export const VENDORS: readonly Vendor[] = [
  {
    vendor: 'fedora',
    name: 'Fedora',
    distros: ['fedora'],
    tag: /(?:\.fc|_FC)\d{1,3}(?:\D|$)/,
    // Fedora Core 2 and 3 began without a mark: 2.6.9-1.667.
    local: /(?:\.fc|_FC)\d{1,3}(?:\D|$)|^1\.\d{3,4}(?:smp)?$/,
    local24: /^\d/,
    compare: compareRpm,
    rows: FEDORA_ROWS,
  },
  {
    vendor: 'redhat',
    name: 'Red Hat',
    distros: ['rhel', 'centos', 'oracle', 'scientific', 'rocky', 'almalinux', 'redhatlinux'],
    family: 'redhat',
    tag: /\.(?:EL|el\d{1,2})(?:[^a-z]|smp|hugemem|largesmp|xen|PAE|debug|kdump|uek|rt|$)/,
    // CentOS Plus of that age has no EL in it: 2.6.9-42.0.10.plus.c4. Every other kernel 2.6 of theirs has.
    local: /^\d[\w.]*[._](?:EL|el\d)|^\d[\d.]*\.plus\.c\d/,
    local24: /^(?:\d|e\.\d)/,
    compare: compareRpm,
    rows: REDHAT_ROWS,
  },
  {
    vendor: 'ubuntu',
    name: 'Ubuntu',
    distros: ['ubuntu', 'linuxmint', 'pop'],
    tag: /^\d{1,4}(?:-\d{1,4})?-(?:generic|server|virtual|lowlatency|(?:amd64|sparc64)-\w+)$/,
    local: /^\d/,
    compare: compareDpkg,
    rows: UBUNTU_ROWS,
  },
  {
    vendor: 'suse',
    name: 'SUSE',
    distros: ['sles', 'sled', 'opensuse'],
    family: 'suse',
    tag: /^\d[\w.]*-(?:default|bigsmp)$/,
    local: /^\d/,
    compare: compareRpm,
    rows: SUSE_ROWS,
  },
  {
    vendor: 'debian',
    name: 'Debian',
    distros: ['debian', 'raspbian', 'devuan', 'kali'],
    family: 'debian',
    tag: /^\+deb\d{1,2}|etchnhalf|bpo\./,
    local: /^(?:\d|\+deb|etchnhalf|rc\d|trunk)/,
    compare: compareDpkg,
    rows: DEBIAN_ROWS,
  },
];

/**
 * Whose kernel it is: by a mark in the release (a container's release files are not those of its kernel), else by the
 * distribution, if the release looks like one of its own. Undefined: mainline's, or somebody's own build.
 */
export function vendorOf(distro: { id: string; family: string }, kernel: KernelBase): Vendor | undefined {
  if (foreignBuilder(kernel) !== undefined) return undefined;
  const tagged = VENDORS.find((vendor) => vendor.tag.test(kernel.local));
  if (tagged !== undefined) return tagged;
  const byDistro =
    VENDORS.find((vendor) => vendor.distros.includes(distro.id)) ??
    VENDORS.find((vendor) => vendor.family === distro.family);
  const local = kernel.base.startsWith('2.4.') ? (byDistro?.local24 ?? byDistro?.local) : byDistro?.local;
  return local?.test(kernel.local) === true ? byDistro : undefined;
}

/**
 * The text that a vendor's rows are compared with: the package's version where it is known, else what the
 * release holds of it, without the flavour after the next dash.
 */
export function packageOrder(kernel: KernelBase, packageVersion: string | undefined): string {
  if (kernel.source === 'package' && packageVersion !== undefined) return packageVersion.replace(/^\d+:/, '');
  const candidate = /-rc\.(\d+)$/.exec(kernel.base)?.[1];
  const version = candidate === undefined ? kernel.numbers : `${kernel.numbers}~rc${candidate}`;
  const release = /^\d[^-]*/.exec(kernel.local)?.[0];
  return release === undefined ? version : `${version}-${release}`;
}
