import { mkdtempSync, rmSync } from 'node:fs';

const folders = new Set<string>();

/** A folder for gigabytes, which is gone when the run ends, also by a signal. */
export function scratch(): string {
  removeAtTheEnd();
  const folder = mkdtempSync('/var/tmp/mptfix-bench-');
  folders.add(folder);
  return folder;
}

/** Removes one that is no longer needed. */
export function dispose(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

let isArranged = false;

function removeAtTheEnd(): void {
  if (isArranged) return;
  isArranged = true;
  process.on('exit', () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}
