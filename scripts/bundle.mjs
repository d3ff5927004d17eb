// Bundles src/ into dist/: one start-up file and a chunk a command, so that a run reads only what it needs.
// --if-stale: only where a source is newer than what is there.
import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
  const others = ['package.json', 'package-lock.json'].flatMap(
    (name) => statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs ?? [],
  );
  return Math.max(newest(join(root, 'src')), newest(join(root, 'scripts')), ...others) > built.mtimeMs;
}

if (!process.argv.includes('--if-stale') || isStale()) {
  const { build } = await import('esbuild');
  const { licenceText } = await import('./licences.mjs');
  // Beside it first: a build that fails, or two at once, must not leave half of one.
  const fresh = `dist-${process.pid}`;
  const { metafile } = await build({
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
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(root, fresh, 'THIRD-PARTY-LICENSES.txt'), licenceText(metafile, root));
  rmSync(out, { recursive: true, force: true });
  renameSync(join(root, fresh), out);
}
