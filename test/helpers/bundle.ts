import { execFileSync } from 'node:child_process';

/** What is tested as a program is always the source that stands here now. */
export function setup(): void {
  execFileSync(process.execPath, ['scripts/bundle.mjs', '--if-stale'], { stdio: 'inherit' });
}
