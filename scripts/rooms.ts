import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/**
 * The rooms of src/ and what each may import: one row a room. Whatever is not in a row is forbidden. Files directly
 * below src/ (errors, progress, package-root) are the ground: every room stands on them, and they import no room.
 * docs/architecture.md says what each room holds.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  ui: [],
  versions: [],
  elf: [],
  machine: [],
  'kernel-log': [],
  work: ['machine'],
  transaction: ['machine'],
  driver: ['elf', 'versions'],
  guest: ['machine', 'elf', 'versions'],
  filesystems: ['machine', 'guest', 'versions', 'kernel-log'],
  diagnose: ['machine', 'guest', 'driver', 'kernel-log'],
  'kernel-source': ['machine', 'work', 'guest', 'versions'],
  build: ['machine', 'work', 'guest', 'elf', 'versions', 'driver', 'kernel-source'],
  initramfs: ['machine', 'guest', 'elf'],
  boot: ['machine', 'guest'],
  install: ['machine', 'guest', 'elf', 'transaction', 'initramfs', 'boot'],
  bundle: ['machine', 'guest', 'initramfs', 'install'],
  assess: ['machine', 'guest', 'driver', 'kernel-source'],
  plan: [
    'machine',
    'guest',
    'versions',
    'kernel-source',
    'filesystems',
    'initramfs',
    'boot',
    'install',
    'assess',
  ],
  status: ['machine', 'guest', 'elf', 'driver', 'transaction', 'initramfs', 'install', 'assess'],
  recover: ['machine', 'guest', 'kernel-log', 'filesystems', 'diagnose', 'transaction'],
  harden: ['machine', 'guest', 'driver', 'kernel-log', 'filesystems', 'diagnose', 'transaction'],
  watch: ['machine', 'guest', 'kernel-log', 'filesystems', 'diagnose', 'transaction'],
  demo: ['machine', 'work', 'guest', 'elf', 'versions', 'driver', 'kernel-source', 'build', 'install'],
  commands: [
    'ui',
    'versions',
    'elf',
    'machine',
    'kernel-log',
    'work',
    'transaction',
    'driver',
    'guest',
    'filesystems',
    'diagnose',
    'kernel-source',
    'build',
    'initramfs',
    'boot',
    'install',
    'bundle',
    'assess',
    'plan',
    'status',
    'recover',
    'harden',
    'watch',
    'demo',
  ],
  cli: ['commands', 'ui'],
};

/** Every file of a source folder and what it imports, as paths from that folder; type imports and `import()` count. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|^import\s*)'(\.{1,2}\/[^']+)'/gm;

/** Reads the imports of every .ts file below `folder`. */
export function readImports(folder: string): ImportGraph {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return new Map(
    files.toSorted().map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const imports = [...text.matchAll(IMPORT)].map(([, path = '']) => normalize(join(dirname(file), path)));
      return [file, [...new Set(imports)]];
    }),
  );
}

/** Imports that the table does not allow, as `from/file.ts -> to/file.ts`; a room without a row is reported as such. */
export function forbiddenImports(graph: ImportGraph, rooms: typeof ROOMS = ROOMS): readonly string[] {
  const problems: string[] = [];
  for (const [file, imports] of graph) {
    const room = roomOf(file);
    const allowed = room === undefined ? [] : rooms[room];
    if (allowed === undefined) problems.push(`${file}: the room ${room} has no row`);
    for (const path of imports) {
      const other = roomOf(path);
      if (other === undefined || other === room || allowed?.includes(other)) continue;
      problems.push(`${file} -> ${path}`);
    }
  }
  return problems;
}

/** Circles among the files, each once, as the files in their order; type imports count. */
export function importCircles(graph: ImportGraph): readonly string[] {
  const circles = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      const circle = path.slice(start);
      const first = circle.indexOf(circle.toSorted()[0] ?? '');
      circles.add([...circle.slice(first), ...circle.slice(0, first), circle[first]].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return [...circles];
}

function roomOf(file: string): string | undefined {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : undefined;
}

if (process.argv[1] === import.meta.filename) {
  const graph = readImports(join(import.meta.dirname, '..', 'src'));
  const problems = [...forbiddenImports(graph), ...importCircles(graph).map((circle) => `circle: ${circle}`)];
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
