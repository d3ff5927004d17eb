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
  /** A bundle: a module, and what installs it. */
  bundleBytes: 272 * 1024 * 1024,
  /** An initramfs with all modules and firmware has some 700 MB. No boot loader of this era loads more than 2 GB. */
  imageBytes: 2 * 1024 * 1024 * 1024,
  /** A package, or the source of a whole kernel: 1.5 GB where it is not compressed. */
  archiveBytes: 4 * 1024 * 1024 * 1024,
  /** A log that nobody rotated, or what a program unpacks. What is larger fills a disk, and takes minutes to read. */
  streamBytes: 8 * 1024 * 1024 * 1024,
  /** Words and signs of one C file: the driver's largest, mptbase.c, has 60,000. */
  sourceTokens: 250_000,
  /** Words and signs of the completion routine: that of Linux 6.1 has 1,700. */
  routineTokens: 10_000,
  /** Statements and parentheses of C in each other: the driver has 13. */
  sourceDepth: 150,
  /** Operators of C in a row: the driver has 2. Each makes the tree, and so the call stack, deeper by one. */
  sourceChain: 1000,
  /** #if lines in each other: the driver has 4. */
  conditionDepth: 60,
  /** Statements and expressions that are followed, under all conditions of a file: Debian's 6.1 takes 12,000 under its one, and 82 are tried at most. */
  sourceSteps: 3_000_000,

  /** A boot menu: one of a hundred kernels has some 200 KB. */
  menuBytes: 1024 * 1024,
  /** An entry of the Boot Loader Specification: those of the distros have some 500 bytes. */
  menuEntryBytes: 64 * 1024,
  /** Entries of the Boot Loader Specification: a distro keeps three kernels, a developer some ten. */
  menuFiles: 1000,

  /** Mounts: the kernel itself allows 100,000 in a namespace (fs.mount-max). */
  mounts: 110_000,
  /** Modules of one kernel: Debian's has 4,500, one with everything 9,000. */
  kernelModules: 100_000,
  /** The index of one kernel's modules (modules.dep, modules.order): that of 6,000 modules has 1 MB. */
  moduleIndexBytes: 8 * 1024 * 1024,
  /** Modules that the driver needs: it needs 5. */
  moduleNeeds: 100,
  /** A module unpacked, and so all that a module can be: those of the distros, with debug information, have some 60 MB. */
  moduleUnpackedBytes: 64 * 1024 * 1024,
  /** Sections of a module: one with -ffunction-sections has some thousand. */
  sections: 65_536,
  /** Symbols of a module: the largest have some ten thousand. */
  symbols: 1 << 18,
  /** Relocations of a module's sections together: the driver has some 2,000, a large module 200,000. */
  relocations: 1 << 19,
  /** A module's table of texts or of versions: the largest, .modinfo of a driver for all TV cards, has 100 KB. */
  tableBytes: 4 * 1024 * 1024,
  /** Code of the driver's module: the largest of the family has a tenth of it. */
  codeBytes: 2 * 1024 * 1024,
  /** Code of one function of it: the longest has some 10 KB. */
  functionBytes: 256 * 1024,
  /** Steps along which a register's value is followed: the routine has a thousand, a value is rarely in two places. */
  tracedStates: 4000,
  /** An initramfs unpacked: one with all modules and firmware has some 1.5 GB. */
  imageUnpackedBytes: 4 * 1024 * 1024 * 1024,
  /** An initial ramdisk that is a file system: those of the distros have 4 to 16 MB, and the kernel's default is 16 at most. */
  ramdiskBytes: 128 * 1024 * 1024,
  /** Parts of an initramfs: microcode of two makers, the modules, and what a boot loader adds make 4. */
  imageParts: 16,
  /** Entries of an initramfs: Debian's has 3,000, a rescue system's some 20,000. */
  imageEntries: 250_000,
  /** Bytes of all names and links' texts of an initramfs: 3,000 have some 200 KB. */
  imageTextBytes: 32 * 1024 * 1024,
  /** Files of the driver's name in an initramfs, with the module index: there is one, or one in each of the 6 folders. */
  imageModules: 32,
  /** Bytes of all of these, and of what they unpack to: the module has some 100 KB, the index 1 MB. */
  imageModuleBytes: 96 * 1024 * 1024,

  /** An archive unpacked: Linux 6.17 has 1.6 GB. */
  archiveUnpackedBytes: 8 * 1024 * 1024 * 1024,
  /** Entries of an archive: Linux 6.17 has 92,000. */
  archiveEntries: 250_000,
  /** A name or a link's text in an archive: PATH_MAX of Linux. */
  archiveNameBytes: 4096,
  /** How many times its size an archive or an initramfs unpacks to: a kernel's source in xz has 11. */
  ratio: 100,
  /** The ratio counts from so much on: a small archive may well consist of zeros. */
  ratioFromBytes: 64 * 1024 * 1024,
  /** Files of the driver: it has 30. */
  driverFiles: 500,
  /** One of them: the largest has some 300 KB. */
  driverFileBytes: 8 * 1024 * 1024,
  /** All of them: 1.3 MB. */
  driverBytes: 32 * 1024 * 1024,
  /** Names that are looked at in a folder of sources for the driver's files: its folder has 40, where it was built 150. */
  driverNames: 10_000,
  /** What looks like an entry in a piece of an archive, and is none: a source that holds an archive has some ten. */
  archiveCandidates: 256,

  /** Names in one folder: Debian's archive of 60,000 packages would fit into one. */
  folderEntries: 100_000,
  /** Folders in each other. A path of 4096 bytes, the kernel's longest, rarely has 30; each takes a descriptor. */
  folderDepth: 200,
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
