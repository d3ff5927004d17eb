import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { MODULE, RELEASE } from '../install/small-guest.ts';

export const STATE = 'var/lib/mptfix';
const FILES = [
  'generations/1/originals.json',
  'generations/1/manifest.json',
  'generations/1/journal.ndjson',
  'generations/2/originals.json',
  'generations/2/journal.ndjson',
  'harden/1/set.json',
  'harden/1/journal.ndjson',
  'schedule/1/record.json',
  'schedule/1/journal.ndjson',
] as const;
const RECORDS = FILES.filter((name) => name.endsWith('.json'));

/** HOST becomes the folder beside the tree; UP is more steps upwards than there are folders. */
const UP = '/..'.repeat(12);
const TEXTS = [
  ...['HOST/file', '/root/secret', '/', '', '.', '..', '-rf', 'a\nb', 'a\0b', 'x'.repeat(5000)],
  ...[`${UP}HOST/file`, `6.1${UP}HOST`, `/lib/modules/6.1${UP}HOST/file.ko`, '--outdir=HOST', '-o'],
  ...[
    '/boot/../root/secret',
    `/boot/initrd.img-${RELEASE}`,
    '/proc/self/mem',
    '/dev/sda',
    '$(touch HOST/sh)',
  ],
  ...['remount-ro', 'continue', 'install', 'systemd', 'mkinitramfs', '__proto__', RELEASE, MODULE],
];
const value = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(0, -1, 1, 2, 1.5, 1e9, 999_999, null, true, false, [], {}, [null]),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const text = fc.constantFrom(...TEXTS);

/** A file as a record has it, that was never kept. */
const touched = fc.record({
  path: text,
  original: fc.constantFrom(null, 'RECORD'),
  backup: fc.oneof(fc.constant(null), text),
});
const policy = fc.constantFrom('continue', 'remount-ro', 'panic');
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('file'),
      what: text,
      after: fc.constantFrom(null, 'x'),
      mode: fc.constant(0o644),
      files: fc.tuple(touched),
    }),
    fc.record({ kind: fc.constant('folder'), path: text }),
    fc.record({
      kind: fc.constant('link'),
      path: text,
      before: fc.oneof(fc.constant(null), text),
      after: fc.constant(null),
    }),
    fc.record({ kind: fc.constant('module'), like: text, files: fc.tuple(touched) }),
    fc.record({
      kind: fc.constant('index'),
      release: text,
      module: text,
      path: text,
      files: fc.array(touched, { maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant('kept-image'), image: text, files: fc.tuple(touched) }),
    fc.record({
      kind: fc.constant('image-build'),
      release: text,
      module: text,
      image: text,
      tool: text,
      output: text,
    }),
    fc.record({
      kind: fc.constant('image'),
      release: text,
      module: text,
      tool: text,
      output: text,
      files: fc.tuple(touched),
    }),
    fc.record({
      kind: fc.constant('boot-entry'),
      release: text,
      generation: fc.constantFrom(1, 2),
      removes: fc.boolean(),
      mode: fc.constant(0o644),
      files: fc.tuple(touched),
    }),
    fc.record({
      kind: fc.constantFrom('superblock', 'device-superblock'),
      device: fc.constantFrom('HOST/image', '/dev/sda1'),
      uuid: fc.constant('UUID'),
      before: policy,
      after: policy,
    }),
    fc.record({
      kind: fc.constant('mount-option'),
      mountPoint: text,
      device: text,
      before: policy,
      after: policy,
    }),
    fc.record({
      kind: fc.constant('sysfs'),
      path: text,
      before: fc.constant('30'),
      after: fc.constant('180'),
    }),
    fc.record({ kind: fc.constant('memory-copy'), path: text }),
    fc.record({
      kind: fc.constant('scheduler'),
      scheduler: fc.constantFrom('systemd', 'crontab'),
      action: fc.constantFrom('reload', 'start'),
      isNew: fc.boolean(),
    }),
  ),
  { minLength: 1, maxLength: 4 },
);

export type Damage =
  | { readonly how: 'value'; readonly file: string; readonly at: number; readonly value: unknown }
  | { readonly how: 'drop'; readonly file: string; readonly at: number }
  | { readonly how: 'repeat'; readonly file: string; readonly at: number }
  | { readonly how: 'cut'; readonly file: string; readonly at: number }
  | {
      readonly how: 'forge';
      readonly file: string;
      readonly steps: readonly unknown[];
      readonly kernel: string;
      readonly open: boolean;
    }
  | {
      readonly how: 'replace';
      readonly file: string;
      readonly by: 'folder' | 'fifo' | 'link' | 'large' | 'nothing';
    }
  | { readonly how: 'name'; readonly name: string };

const at = fc.nat({ max: 400 });
const anyFile = fc.constantFrom(...FILES);
/** One thing that somebody has done to a state. */
export const damage: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ how: fc.constant('value' as const), file: anyFile, at, value }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('drop' as const), file: anyFile, at }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('repeat' as const), file: anyFile, at }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('cut' as const), file: anyFile, at }) },
  {
    weight: 6,
    arbitrary: fc.record({
      how: fc.constant('forge' as const),
      file: fc.constantFrom(...RECORDS.filter((name) => !name.includes('manifest'))),
      steps,
      kernel: fc.oneof(fc.constant(RELEASE), text),
      open: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      how: fc.constant('replace' as const),
      file: fc.oneof(
        anyFile,
        fc.constantFrom('generations/1', 'generations/1/originals', 'harden', 'schedule/1'),
      ),
      by: fc.constantFrom('folder', 'fifo', 'link', 'large', 'nothing'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      how: fc.constant('name' as const),
      name: fc.constantFrom('999999999', '999999', '0', '-1', '--outdir=x', 'lost+found', '1e3'),
    }),
  },
);

/** Every place in a document that holds something, as the keys that lead to it. */
function placesIn(document: unknown, above: readonly string[] = []): (readonly string[])[] {
  if (typeof document !== 'object' || document === null) return [above];
  return [above, ...Object.entries(document).flatMap(([key, one]) => placesIn(one, [...above, key]))];
}

function changeAt(document: unknown, where: readonly string[], change: (old: unknown) => unknown): unknown {
  const [key, ...rest] = where;
  if (key === undefined) return change(document);
  const copy: Record<string, unknown> | unknown[] = Array.isArray(document)
    ? [...document]
    : { ...(document as object) };
  const changed = changeAt(Reflect.get(copy, key), rest, change);
  if (changed === undefined) Reflect.deleteProperty(copy, key);
  else
    Reflect.defineProperty(copy, key, {
      value: changed,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return copy;
}

function edit(path: string, place: number, change: (old: unknown) => unknown): void {
  const all = readFileSync(path, 'utf8');
  // A journal is a document a line.
  const lines = path.endsWith('.ndjson') ? all.trimEnd().split('\n') : [all];
  const line = place % lines.length;
  const document: unknown = JSON.parse(lines[line] ?? 'null');
  const places = placesIn(document);
  const changed = JSON.stringify(changeAt(document, places[place % places.length] ?? [], change)) ?? '';
  writeFileSync(path, `${lines.toSpliced(line, 1, changed).join('\n')}\n`);
}

const EVENTS = { open: ['begin'], finished: ['begin', 'committed'] };

/** Does it to the state in this folder; throws where an earlier damage has taken away what it is about. */
export function inflict(state: string, one: Damage): void {
  const path = join(state, 'file' in one ? one.file : `generations/${one.name}`);
  // A FIFO that an earlier damage has put there would be waited for.
  const isForName = one.how === 'name' || one.how === 'replace';
  if (!isForName && !lstatSync(path).isFile()) return;
  switch (one.how) {
    case 'value':
      edit(path, one.at, () => one.value);
      return;
    case 'drop':
      edit(path, one.at, () => undefined);
      return;
    case 'repeat':
      edit(path, one.at, (old) => (Array.isArray(old) ? Array(3000).fill(old[0]) : Array(3).fill(old)));
      return;
    case 'cut':
      truncateSync(path, one.at * 10);
      return;
    case 'name':
      mkdirSync(path, { recursive: true });
      return;
    case 'replace':
      rmSync(path, { recursive: true, force: true });
      if (one.by === 'folder') mkdirSync(path);
      if (one.by === 'fifo') execFileSync('mkfifo', [path]);
      if (one.by === 'link') symlinkSync(`${UP.slice(1)}HOST`, path);
      if (one.by === 'large') {
        writeFileSync(path, '');
        truncateSync(path, 6 * 1024 * 1024 * 1024);
      }
      return;
    case 'forge': {
      const record = JSON.parse(readFileSync(path, 'utf8'));
      const known = one.file.startsWith('generations') ? one.kernel : null;
      writeFileSync(path, JSON.stringify({ ...record, kernel: known, steps: one.steps, folders: [] }));
      rmSync(join(dirname(path), 'manifest.json'), { force: true });
      const lines = EVENTS[one.open ? 'open' : 'finished'].map((event) => ({ event }) as object);
      if (one.open) lines.push(...one.steps.map((_, step) => ({ event: 'intent', step })));
      writeFileSync(
        join(dirname(path), 'journal.ndjson'),
        lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      );
    }
  }
}

/** The damages with what HOST, RECORD and UUID stand for. */
export function spelled(all: readonly Damage[], host: string): readonly Damage[] {
  const record = {
    path: '/x',
    sha256: '0'.repeat(64),
    size: 1,
    mode: '0644',
    uid: 0,
    gid: 0,
    mtime: '1.000000000',
  };
  return JSON.parse(
    JSON.stringify(all)
      .replaceAll('HOST', host)
      .replaceAll('"RECORD"', JSON.stringify(record))
      .replaceAll('"UUID"', `"${UUID}"`),
  );
}

/** Of the file system in the host's folder, which a forged step may name. */
export const UUID = '11111111-2222-3333-4444-555555555555';
