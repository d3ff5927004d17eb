/**
 * How much of a foreign file mptfix reads, in one table with the reason for each figure. What is larger is refused with
 * E_FILE_UNSAFE before it is read: a guest's tree may hold a file of any size in place of any other.
 */
export const LIMITS = {
  /** Texts that a person or a distro writes: fstab, os-release, a GRUB menu. The largest seen has some 200 KB. */
  textBytes: 4 * 1024 * 1024,
  /** Manifests, journals and states of mptfix: the largest has some 100 KB. */
  stateBytes: 4 * 1024 * 1024,
  /** A kernel module: the largest of a distro, with debug information, has some 60 MB. */
  moduleBytes: 256 * 1024 * 1024,
} as const;
