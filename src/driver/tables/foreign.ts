import type { KernelBase } from '../../versions/kernel-base.ts';

/**
 * Builders whose kernels have a mark of their own and no rows in these tables. Many begin with the number of Red Hat's or
 * Debian's kernel that they rebuild, and change it: of such a kernel no table says that it is free of the branch.
 */
export interface ForeignBuilder {
  /** For a person. */
  readonly name: string;
  /** In the local part of a release. */
  readonly mark: RegExp;
  /**
   * Whose kernel the release is built from, where its numbers tell: where that one is affected, so is this one, as far as a
   * table can tell.
   */
  readonly from?: 'redhat' | 'mainline';
}

/** What Red Hat and its rebuilds write behind their mark: 2.6.9-42.0.10.ELsmp, 2.6.32-71.el6.centos.plus.x86_64. */
const RED_HATS_WORDS =
  '(?:[._+-]?(?:smp|hugemem|largesmp|xen\\w?|PAE|BOOT|kdump|debug|trace|uek|rt\\d*|plus|centos|c\\d|x86_64|i[3-6]86|athlon|ia64|ppc(?:64)?(?:le|iseries)?|s390x?|aarch64)|[._+-]\\d+k?)';

/** In the order in which the marks are tried. Source: the releases of these distributions, as their packages are named. */
const FOREIGN: readonly ForeignBuilder[] = [
  // Red Hat's number is before the mark: 2.6.18-53.1.19.el5.028stab053.14.
  { name: 'OpenVZ', mark: /\.(?:EL|el\d).*\d{3}stab\d/, from: 'redhat' },
  // Mainline's kernel with the patch of OpenVZ: 2.6.18-028stab064.7; 2.6.9-023stab is of RHEL 4, without its number.
  { name: 'OpenVZ', mark: /^0(?:2[4-9]|[3-9]\d)stab\d/, from: 'mainline' },
  { name: 'OpenVZ', mark: /\d{3}(?:stab|test)\d|(?:^|[.-])vz\d/ },
  // Asianux, MIRACLE LINUX, Red Flag and Haansoft share kernels that follow Red Hat's numbers: 2.6.9-42.7AXsmp.
  { name: 'Asianux', mark: /^\d[\d.]*(?:AX|ax)(?:S?\d)?(?:\D|$)/, from: 'redhat' },
  { name: 'Lustre', mark: /lustre/i, from: 'redhat' },
  { name: 'Mandriva', mark: /(?:mdv|mdk|mnb|mlcs\d)/, from: 'mainline' },
  // Of OpenVZ for RHEL 5, later of Ubuntu, without their numbers.
  { name: 'Proxmox', mark: /-pve(?:$|\W)/ },
  { name: 'XenServer', mark: /\.xs\d|xenserver/i },
  { name: 'Amazon', mark: /\.amzn\d/ },
  { name: 'ALT Linux', mark: /-alt\d/ },
  { name: 'Turbolinux', mark: /TL(?:smp|\d|$)/ },
  { name: 'Vyatta', mark: /vyatta/i },
  { name: 'ASPLinux', mark: /asp(?:smp|$)/ },
  { name: 'Vine Linux', mark: /vl\d/ },
  {
    name: 'somebody else',
    mark: new RegExp(`[._](?:EL|el\\d{1,2}(?:_\\d{1,2})?)(?!${RED_HATS_WORDS}*$)`),
    from: 'redhat',
  },
];

/** Who else than the vendors of these tables built a kernel; undefined where no mark is known. */
export function foreignBuilder({ local }: Pick<KernelBase, 'local'>): ForeignBuilder | undefined {
  return FOREIGN.find(({ mark }) => mark.test(local));
}
