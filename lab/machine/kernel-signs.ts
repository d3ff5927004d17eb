/** As the kernels of the lab say it: ext's and its journals' words, and XFS's. */
const READ_ONLY =
  /Remounting filesystem read-only|Aborting journal|Detected aborted journal|Filesystem has been shut down|Shutting down filesystem|xfs_do_force_shutdown/;

/** What a line of the kernel's tells: an I/O error, and that a file system takes no more writes. */
export function kernelSigns(line: string): { readonly ioError: boolean; readonly readOnly: boolean } {
  return { ioError: /I\/O error/i.test(line), readOnly: READ_ONLY.test(line) };
}
