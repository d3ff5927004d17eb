// Bundles src/ into dist/: a chunk a command, so that a run reads only what it needs, and packs of those for a quick start.
// --if-stale: only where a source is newer than what is there.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
  const { asCommonJs, packsOf, writeCodeCaches } = await import('./packs.mjs');
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/start.ts'],
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.13',
    define: { 'import.meta.dirname': '__dirname' },
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const chunks = await asCommonJs(outputFiles);
  const { names, texts } = packsOf(chunks, metafile);
  // Beside it first: a build that fails, or two at once, must not leave half of one.
  const fresh = join(root, `dist-${process.pid}`);
  mkdirSync(fresh);
  const write = (name, text) => writeFileSync(join(fresh, name), text);
  for (const [name, text] of [...chunks, ...texts]) write(name, text);
  // src/ is ESM, and the package says so.
  write('package.json', '{ "type": "commonjs" }\n');
  write('packs.json', `${JSON.stringify(names)}\n`);
  write('THIRD-PARTY-LICENSES.txt', licenceText(metafile, root));
  writeCodeCaches(fresh);
  rmSync(out, { recursive: true, force: true });
  renameSync(fresh, out);
}
