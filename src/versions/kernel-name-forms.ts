/**
 * How the builders of kernels put a release together: a row a form, tried in this order. The first that fits is it.
 */
export interface NameForm {
  /** For a person. */
  readonly builder: string;
  /** Whose packages these are; undefined: of a builder whose kernels mptfix brings no source for. */
  readonly family?: 'debian' | 'redhat' | 'suse';
  /** Which package manager's order its part of the release follows. */
  readonly order: 'rpm' | 'dpkg';
  /** Over the whole release; its groups are `distro`, `flavour`, `architecture`, and `appended`, which `flavour` takes. */
  readonly pattern: RegExp;
  /** The flavour of what was found, where it is not one group of the pattern. */
  readonly flavour?: (parts: Readonly<Record<string, string | undefined>>) => string;
}

const NUMBERS = String.raw`\d+(?:\.\d+)+`;

/** Red Hat's %{_target_cpu}, which stands in a release since RHEL 6 and Fedora 9. */
const ARCHITECTURES =
  'x86_64|i[3-6]86|athlon|ia64|ppc64le|ppc64|ppc|s390x|s390|aarch64|armv7hl|riscv64|noarch';

/**
 * What Red Hat's spec files put behind the release of the package: kernel-smp, -hugemem and -largesmp of RHEL 3 and 4, -bigmem
 * and -enterprise before, -PAE, -xen and -debug of RHEL 5, -kdump; xen0 and xenU of Fedora Core; OpenVZ's ent.
 */
const RED_HAT_FLAVOURS =
  'largesmp|hugemem|smp|bigmem|enterprise|BOOT|summit|tape|vrdr|PAEdebug|PAE|xen0|xenU|xen|kdump|debug|trace|rt|ent';

/** A release of an RPM with the builder's mark in it, then flavour, architecture, and what RHEL 6 and later append. */
function redHat(mark: string): RegExp {
  const glued = `(?:[.-]?(?<flavour>${RED_HAT_FLAVOURS}))?`;
  const appended = String.raw`(?:[.+](?<appended>[A-Za-z0-9][\w-]*))?`;
  return new RegExp(
    `^${NUMBERS}-(?<distro>[\\w.~^]*?${mark}[\\w.~^]*?)${glued}(?:\\.(?<architecture>${ARCHITECTURES})${appended})?$`,
  );
}

/** UEK and RHEL's real-time kernel are packages of their own, whose release says so itself. */
const RED_HAT = {
  family: 'redhat',
  order: 'rpm',
  flavour: ({ distro = '', flavour, appended }) => {
    const package_ = /uek$/.test(distro) ? 'uek' : /\.rt\d/.test(distro) ? 'rt' : undefined;
    return [package_, flavour, appended].filter((word) => word !== undefined).join('-');
  },
} as const satisfies Partial<NameForm>;

/** Of Debian and Ubuntu: processors, their combinations, and what Ubuntu calls its kernels. Source: their package names. */
const DEBIAN_FLAVOURS =
  '(?:386|486|[56]86(?:tsc|mmx)?|k[67]|amd64|em64t|ia64|itanium|mckinley|alpha|sparc(?:32|64)?|powerpc|hppa|parisc|s390x?|arm(?:64|mp|el|hf)?|ppc64(?:el)?|mips\\w*|riscv64|loong64|' +
  'generic|server|virtual|lowlatency|bigiron|lpia\\w*|preempt|openvz|vserver|cloud|aws|gcp|gke\\w*|oracle|kvm|raspi\\w*|oem|ibm|nvidia|intel|hwe|realtime|trunk)(?:[-.\\w]*)';

/** Of SUSE alone. Source: the names of its kernel packages from SUSE Linux 9.1 to SLES 15. */
const SUSE_FLAVOURS =
  'default|smp4G|smp|bigsmp|pae|xenpae|kdump|trace|desktop|vanilla|base|um|vmi|psmp|athlon|iseries64|pseries64|pmac64|sn2|64kb|64GB-SMP|4GB(?:-SMP)?|preempt';
/** Names that Ubuntu has, too. */
const SHARED_FLAVOURS = 'xen|rt|rt_debug|rt_trace|azure|debug|ec2|server|lpae|ppc64|s390x?';

export const FORMS: readonly NameForm[] = [
  {
    builder: 'Red Hat Enterprise Linux and its rebuilds, UEK, CentOS Plus, OpenVZ and others built from them',
    ...RED_HAT,
    // 2.6.9-42.0.10.ELsmp, 2.6.18-8.1.15.el5PAE, 5.14.0-503.el9.x86_64+debug, 2.6.9-67.0.7.EL_lustre.1.6.5.1smp
    pattern: redHat(String.raw`\d[._](?:EL|el\d{1,2}(?:_\d{1,2})?(?:uek)?)`),
  },
  {
    builder: 'CentOS Plus of CentOS 3 and 4',
    ...RED_HAT,
    pattern: redHat(String.raw`\d\.(?:plus\.c\d|c\d)`),
  },
  {
    builder: 'Fedora',
    ...RED_HAT,
    pattern: redHat(String.raw`\d(?:\.fc|_FC)\d{1,3}`),
  },
  {
    builder: 'Fedora Core 2 and 3',
    ...RED_HAT,
    pattern: new RegExp(`^2\\.6\\.\\d+-(?<distro>1\\.\\d{3,4})(?<flavour>${RED_HAT_FLAVOURS})?$`),
  },
  {
    builder: 'Asianux, MIRACLE LINUX, Red Flag',
    ...RED_HAT,
    // 2.6.9-42.7AXsmp, 2.6.18-128.7AXS3PAE
    pattern: redHat(String.raw`\d(?:AX|ax)(?:S?\d)?`),
  },
  {
    builder: 'Red Hat Linux and RHEL 2.1',
    ...RED_HAT,
    // 2.4.9-e.40smp, 2.4.20-8bigmem, 2.4.18-14
    pattern: new RegExp(`^2\\.4\\.\\d+-(?<distro>(?:e\\.)?\\d[\\d.]*)(?<flavour>${RED_HAT_FLAVOURS})$`),
  },
  {
    builder: 'Red Hat Linux and RHEL 2.1, one processor',
    ...RED_HAT,
    pattern: /^2\.4\.\d+-(?<distro>e\.\d[\d.]*|\d[\d.]*)$/,
  },
  {
    builder: 'OpenVZ, from mainline',
    family: 'redhat',
    order: 'rpm',
    // 2.6.18-028stab056, 2.6.18-028stab064.7-ovz-smp, 2.6.9-023stab048.6-enterprise
    pattern: new RegExp(
      `^${NUMBERS}-(?:ovz-?)?(?<distro>\\d{3}(?:stab|test)[\\d.]*\\d)-?(?:ovz)?-?(?<flavour>[a-zA-Z][\\w-]*)?$`,
    ),
  },
  {
    builder: 'Amazon Linux',
    order: 'rpm',
    pattern: redHat(String.raw`\d\.amzn\d+`),
  },
  {
    builder: 'Mandriva',
    order: 'rpm',
    // 2.6.12-12mdksmp, 2.6.17-5mdventerprise
    pattern: new RegExp(`^${NUMBERS}-(?<distro>\\d[\\d.]*(?:mdv|mdk|mnb|mlcs\\d))(?<flavour>[a-zA-Z]\\w*)?$`),
  },
  {
    builder: 'Mandriva from 2007 on',
    order: 'rpm',
    // 2.6.22.9-desktop586-1mdv
    pattern: new RegExp(`^${NUMBERS}-(?<flavour>[a-z]\\w*)-(?<distro>\\d[\\d.]*(?:mdv|mnb))$`),
  },
  {
    builder: 'SUSE',
    family: 'suse',
    order: 'rpm',
    // 2.6.5-7.244-smp, 2.6.16.60-0.21-bigsmp, 5.3.18-150300.59.43-default
    pattern: new RegExp(`^${NUMBERS}-(?<distro>\\d[\\w.~]*)-(?<flavour>${SUSE_FLAVOURS})$`),
  },
  {
    builder: 'SUSE, of a flavour that Ubuntu has, too: it numbers its builds with a dot',
    family: 'suse',
    order: 'rpm',
    // 2.6.16.60-0.21-xen; Ubuntu's is 2.6.24-19-xen.
    pattern: new RegExp(`^${NUMBERS}-(?<distro>\\d+\\.[\\w.~]*)-(?<flavour>${SHARED_FLAVOURS})$`),
  },
  {
    builder: 'SUSE, of a flavour that Ubuntu has, too: it follows the stable updates',
    family: 'suse',
    order: 'rpm',
    // 2.6.27.19-5-xen, 3.0.101-63-rt; Ubuntu's last number is 0.
    pattern: new RegExp(
      `^(?:2\\.6\\.\\d+\\.\\d+|(?:[3-9]|\\d\\d)\\.\\d+\\.[1-9]\\d*)-(?<distro>\\d+)-(?<flavour>${SHARED_FLAVOURS})$`,
    ),
  },
  {
    builder: 'SUSE Linux 7 and 8',
    family: 'suse',
    order: 'rpm',
    // 2.4.19-64GB-SMP, 2.4.20-4GB
    pattern: /^2\.4\.\d+-(?<flavour>(?:4|64)GB(?:-SMP)?|SMP)$/,
  },
  {
    builder: 'Debian since trixie, and its backports',
    family: 'debian',
    order: 'dpkg',
    // 6.12.117+deb13-amd64, 7.2.13+deb14-amd64, 6.12.9+bpo-amd64, 6.12.74+deb13+1-cloud-amd64
    pattern: new RegExp(
      `^${NUMBERS}(?:[-~]rc\\d+)?(?<distro>\\+(?:deb|bpo)[\\w.+~]*)-(?<flavour>[a-z0-9][\\w.-]*)$`,
    ),
  },
  {
    builder: 'Proxmox',
    order: 'dpkg',
    pattern: new RegExp(`^${NUMBERS}-(?<distro>\\d[\\w.]*)-(?<flavour>pve)$`),
  },
  {
    builder: 'Debian and Ubuntu',
    family: 'debian',
    order: 'dpkg',
    // 2.6.15-28-686, 2.6.18-6-xen-686, 2.6.24-etchnhalf.1-686, 6.1.0-0.deb11.5-rt-amd64, 6.8.0-45-generic, 6.12-rc6-amd64
    pattern: new RegExp(
      `^${NUMBERS}(?:-rc\\d+)?(?:-(?<distro>\\d[\\w.~+]*|trunk|etchnhalf\\.\\d+|bpo\\.\\d+))?-(?<flavour>(?:(?:rt|xen|cloud|vserver|openvz)-)*${DEBIAN_FLAVOURS}|xen|rt|azure(?:-fde|-fips)?|ec2|ume|cell)$`,
    ),
  },
];
