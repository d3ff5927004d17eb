// Bundles src/ into dist/: one start-up file and a chunk a command, so that a run reads only what it needs.
// --if-stale: only where a source is newer than what is there.
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist');

function newest(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((time, entry) => Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0);
}

function isStale() {
  const built = statSync(join(out, 'start.js'), { throwIfNoEntry: false });
  if (built === undefined) return true;
  return Math.max(newest(join(root, 'src')), statSync(join(root, 'package.json')).mtimeMs) > built.mtimeMs;
}

if (!process.argv.includes('--if-stale') || isStale()) {
  const { build } = await import('esbuild');
  // Beside it first: a build that fails, or two at once, must not leave half of one.
  const fresh = `dist-${process.pid}`;
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/start.ts'],
    outdir: fresh,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.13',
    // semver and others are CommonJS and require Node's own modules.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module';const require = requireFrom(import.meta.url);",
    },
    logLevel: 'warning',
  });
  rmSync(out, { recursive: true, force: true });
  renameSync(join(root, fresh), out);
}
