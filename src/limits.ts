/**
 * How much of a foreign file mptfix reads, in one table with the reason for each figure. What is larger is refused with
 * E_FILE_UNSAFE before it is read: a guest's tree may hold a file of any size in place of any other.
 */
export const LIMITS = {
  /** Texts that a person or a distro writes: fstab, os-release, a GRUB menu. The largest seen has some 200 KB. */
  textBytes: 4 * 1024 * 1024,
  /** Manifests, journals and states of mptfix: the largest has some 100 KB. */
  stateBytes: 4 * 1024 * 1024,
  /** What the kernel tells in /proc and /sys: the mount table of a host with 30,000 mounts has some 5 MB. */
  kernelBytes: 16 * 1024 * 1024,
  /** What tools write about all modules or packages: modules.dep, Module.symvers, dpkg's status. The largest seen: 10 MB. */
  indexBytes: 64 * 1024 * 1024,
  /** One C file or Makefile: the largest of the kernel, generated registers of a GPU, has some 24 MB; the driver's 100 KB. */
  sourceBytes: 32 * 1024 * 1024,
  /** Transactions of one purpose: a guest that is patched again with each kernel update has some ten a year. */
  stateTransactions: 1000,
  /** Records of one purpose together: they are all read before anything is undone. */
  stateTotalBytes: 64 * 1024 * 1024,
  /** Steps of one transaction: one for each file, disk or image. */
  stateSteps: 2000,
  /** A kernel module: the largest of a distro, with debug information, has some 60 MB. */
  moduleBytes: 256 * 1024 * 1024,
  /** An initramfs with all modules and firmware has some 700 MB. No boot loader of this era loads more than 2 GB. */
  imageBytes: 2 * 1024 * 1024 * 1024,
  /** A package, or the source of a whole kernel: 1.5 GB where it is not compressed. */
  archiveBytes: 4 * 1024 * 1024 * 1024,
  /** A log that nobody rotated, or what a program unpacks. What is larger fills a disk, and takes minutes to read. */
  streamBytes: 8 * 1024 * 1024 * 1024,
  /** Names in one folder: Debian's archive of 60,000 packages would fit into one. */
  folderEntries: 100_000,
  /** The build folder of a kernel with all that belongs to it: Debian's are 16,500 files of 58 MB, Red Hat's 30,000 of 180 MB. */
  headers: { entries: 200_000, bytes: 2 * 1024 * 1024 * 1024, depth: 40 },
  /** The whole source of a kernel: 90,000 files of 1.5 GB; after a build with debug information three times the files and 20 GB. */
  sourceTree: { entries: 1_000_000, bytes: 64 * 1024 * 1024 * 1024, depth: 40 },
  /**
   * Each process of a build. Address space: cc1 takes 300 MB for the driver, the linker of a whole tree with debug
   * information 3 GB. A file: vmlinux.o with debug information has some 1.5 GB. Processes: make -j on 128 cores starts some 600.
   */
  build: { memoryBytes: 8 * 1024 * 1024 * 1024, fileBytes: 4 * 1024 * 1024 * 1024, processes: 2048 },
  /** What the build of one module leaves: the driver's seven modules with debug information have some 60 MB. */
  moduleBuildBytes: 1024 * 1024 * 1024,
  /** What the build of a whole tree leaves: 20 GB with debug information. */
  treeBuildBytes: 64 * 1024 * 1024 * 1024,
} as const;
