// From the chunks that esbuild splits a bundle into: the same as CommonJS, packs of them, and a code cache for each pack.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** esbuild splits ESM alone; Node loads CommonJS sooner, and its code can be cached without another process's files. */
export async function asCommonJs(outputFiles) {
  const { transform } = await import('esbuild');
  return new Map(
    await Promise.all(
      outputFiles.map(async ({ path, text }) => {
        const options = { format: 'cjs', platform: 'node', target: 'node22.13' };
        const { code } = await transform(text, { ...options, supported: { 'dynamic-import': false } });
        return [basename(path), withLateModules(code)];
      }),
    ),
  );
}

/** Node’s own modules that take a millisecond or more to load, and that most runs never use. */
const LATE = /^var (import_\w+) = require\("(node:(?:child_process|crypto|v8|zlib))"\);\n/gm;

/** They are loaded where they are first used. */
function withLateModules(code) {
  const found = [...code.matchAll(LATE)];
  return found.reduce(
    (text, [, name, module]) => text.replaceAll(new RegExp(`\\b${name}\\.`, 'g'), `require("${module}").`),
    code.replaceAll(LATE, ''),
  );
}

const START = 'src/cli/start.ts';
const MAIN = [START, 'src/cli/main.ts'];

/** What a command needs in any case, by its entry modules, and a command line that runs much of that. */
const PACKS = {
  main: { entries: MAIN, argv: () => ['--help'] },
  check: {
    entries: [...MAIN, 'src/commands/check/check.ts'],
    argv: (tree) => ['check', '--root', tree, '--json'],
  },
  build: {
    entries: [...MAIN, 'src/commands/build/build.ts', 'src/machine/run.ts'],
    argv: (tree) => ['build', '--root', tree, '--output', `${tree}.new`, '--offline', '--no-cache', '--json'],
  },
  'watch-once': {
    entries: [START, 'src/commands/watch/quick.ts', 'src/commands/watch/once.ts'],
    argv: (tree) => ['watch', 'once', '--root', tree, '--json'],
  },
  'watch-worker': {
    entries: [START, 'src/commands/watch/worker.ts'],
    argv: () => ['watch', 'worker'],
  },
};

/** The packs' texts by name, and the table of names: each a script whose value has the modules, by what they are called. */
export function packsOf(chunks, { outputs }) {
  const names = {};
  const texts = new Map();
  for (const [pack, { entries }] of Object.entries(PACKS)) {
    const modules = reached(outputs, entries).map((name) => {
      const head = `${JSON.stringify(`./${name}`)}: function (exports, require, module, __filename, __dirname) {`;
      return `${head}\n${chunks.get(name)}\n}`;
    });
    const text = `({\n${modules.join(',\n')}\n})\n`;
    names[pack] = `pack-${pack}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    texts.set(`${names[pack]}.js`, text);
  }
  return { names, texts };
}

/** The chunks of the entries, and those that they import before they run. */
function reached(outputs, entries) {
  const chunks = Object.entries(outputs);
  const seen = new Set(
    entries.map((entry) => chunks.find(([, { entryPoint }]) => entryPoint === entry)?.[0] ?? missing(entry)),
  );
  for (const path of seen)
    for (const { kind, path: imported, external } of outputs[path].imports)
      if (kind === 'import-statement' && external !== true) seen.add(imported);
  return [...seen].map((path) => basename(path));
}

function missing(entry) {
  throw new Error(`no chunk begins with ${entry}`);
}

/**
 * Runs each pack's command line on an empty guest, so that the cache has what is compiled on the way. Without a cache
 * everything runs as well.
 */
export function writeCodeCaches(dist) {
  const run = join(dirname(fileURLToPath(import.meta.url)), 'code-cache.cjs');
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-bundle-'));
  try {
    const tree = emptyGuest(join(folder, 'guest'));
    for (const { argv } of Object.values(PACKS))
      execFileSync(process.execPath, [run, dist, ...argv(tree)], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: {},
        cwd: folder,
      });
  } catch (error) {
    process.stderr.write(`no code cache, mptfix starts slower: ${error.message}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function emptyGuest(root) {
  const files = {
    'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
    'etc/fstab': '/dev/sda1 / ext4 errors=remount-ro 0 1\n',
    'etc/debian_version': '12.0\n',
    'proc/mounts': '/dev/sda1 / ext4 rw,errors=remount-ro 0 0\n',
    'proc/sys/kernel/osrelease': '6.1.0-1-amd64\n',
    'var/lib/dpkg/status': '',
    'lib/modules/6.1.0-1-amd64/modules.dep': '',
    'lib/modules/6.1.0-1-amd64/kernel/drivers/message/fusion/mptscsih.ko': '',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}
