import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { temporary } from '../machine/temporary.ts';

const GUEST = {
  'etc/os-release': 'ID=debian\n',
  'etc/fstab': '/dev/sda1 / ext4 errors=remount-ro 0 1\n',
  'proc/mounts': '/dev/sda1 / ext4 rw 0 0\n',
  'lib/modules/6.1.0-9-amd64/modules.dep': '',
};
const CHECK = ['check', '--json'];
const WATCH = ['watch', 'once', '--json'];

/** A copy of the package, with the names of its packs and of their code caches. */
async function installed() {
  const folder = await temporary();
  for (const name of ['bin', 'dist', 'patches', 'package.json'])
    cpSync(name, join(folder, name), { recursive: true });
  const dist = join(folder, 'dist');
  const caches = readdirSync(dist).filter((name) => name.endsWith('.cache'));
  return { folder, dist, caches, bin: join(folder, 'bin/mptfix.cjs') };
}

/** Prints, when the run ends, which files of dist/ it read, whether V8 took the code, and which of Node's modules came. */
const LISTENER = `
const fs = require('node:fs'), vm = require('node:vm');
const read = [], code = [];
const own = fs.readFileSync;
fs.readFileSync = (file, ...more) => {
  const name = /\\/dist\\/([^/]+)$/.exec(String(file))?.[1];
  if (name !== undefined && name !== 'package.json') read.push(name);
  return own(file, ...more);
};
vm.Script = class extends vm.Script {
  constructor(text, options) {
    super(text, options);
    if (options?.cachedData !== undefined) code.push(!this.cachedDataRejected);
  }
};
process.on('exit', () => {
  const modules = process.moduleLoadList.flatMap((line) => /^NativeModule (\\w+)$/.exec(line)?.[1] ?? []);
  fs.writeFileSync(__filename + '.json', JSON.stringify({ read, code, modules }));
});
`;

async function listened(argv: readonly string[], bin?: string) {
  const listener = join(await temporary({ 'listener.cjs': LISTENER }), 'listener.cjs');
  const env = { NODE_OPTIONS: `--require ${listener}` };
  const { status, stdout, stderr } = await mptfix(argv, bin === undefined ? { env } : { env, bin });
  const { read, code, modules } = JSON.parse(readFileSync(`${listener}.json`, 'utf8'));
  return { run: { status, stderr, result: { ...JSON.parse(stdout), time: null } }, read, code, modules };
}

/** A word that stands in the code of each package. */
const MARKS = {
  commander: 'CommanderError',
  execa: 'ExecaError',
  listr2: 'ListrEventManager',
  nodemailer: 'createTransport',
  semver: 'class _SemVer',
  tar: 'TAR_ENTRY',
  valibot: 'ValiError',
} as const;

describe('a command that must start fast', () => {
  test.each<[readonly string[], string, readonly (keyof typeof MARKS)[]]>([
    [CHECK, 'check', ['execa', 'listr2', 'nodemailer', 'tar']],
    [WATCH, 'watch-once', Object.keys(MARKS) as (keyof typeof MARKS)[]],
  ])('%j reads one pack with its code, which V8 takes, and no heavy package', async (argv, pack, heavy) => {
    const root = await temporary(GUEST);
    const { read, code, modules } = await listened([...argv, '--root', root]);
    const name = `pack-${pack}-[0-9a-f]{16}`;
    expect(read).toEqual([
      'packs.json',
      expect.stringMatching(`^${name}\\.js$`),
      expect.stringMatching(`^${name}\\.node-${process.version}-${process.arch}\\.cache$`),
    ]);
    expect(code).toEqual([true]);
    expect(modules).not.toContain('crypto');
    const text = readFileSync(join('dist', read[1]), 'utf8');
    expect(heavy.filter((one) => text.includes(MARKS[one]))).toEqual([]);
  });

  test('the marks of the packages are in the bundle', () => {
    const all = readdirSync('dist').filter((name) => name.endsWith('.js'));
    const texts = all.map((name) => readFileSync(join('dist', name), 'utf8'));
    const unknown = Object.values(MARKS).filter((mark) => !texts.some((text) => text.includes(mark)));
    expect(unknown).toEqual([]);
  });

  test('writes nothing: not in the guest, not in the home of its user, not beside the program', async () => {
    const { folder, bin } = await installed();
    const home = await temporary();
    const root = await temporary(GUEST);
    const all = () => [folder, home, root].map((one) => listing(one));
    const before = all();
    const env = { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), TMPDIR: home };
    for (const argv of [CHECK, WATCH]) {
      const { stderr } = await mptfix([...argv, '--root', root], { bin, env });
      expect(stderr).toBe('');
    }
    expect(all()).toEqual(before);
  });
});

describe('without the code that was made when it was bundled', () => {
  /** What becomes of each cache. */
  const damages: readonly [string, (code: Buffer) => Buffer | undefined][] = [
    ['gone', () => undefined],
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (code) => code.subarray(0, code.length >> 1)],
    ['damaged by the disk', (code) => Buffer.concat([code.subarray(0, -9), Buffer.alloc(9, 0x5a)])],
    ['of another V8', (code) => resealed(code, (inside) => inside.writeUInt32LE(1, 4))],
  ];

  /** With a sum that fits: V8 itself has to refuse it. */
  function resealed(code: Buffer, change: (inside: Buffer) => void): Buffer {
    const copy = Buffer.from(code);
    change(copy.subarray(8));
    copy.writeUInt32LE(crc32(copy.subarray(8)));
    return copy;
  }

  test.each(damages)('that is %s, everything is as with it', async (_, damage) => {
    const { dist, caches, bin } = await installed();
    const root = await temporary(GUEST);
    expect(caches.length).toBeGreaterThan(1);
    for (const name of caches) {
      const path = join(dist, name);
      const left = damage(readFileSync(path));
      rmSync(path);
      if (left !== undefined) writeFileSync(path, left);
    }
    for (const argv of [CHECK, WATCH]) {
      const without = await listened([...argv, '--root', root], bin);
      const as = await listened([...argv, '--root', root]);
      expect([without.run, as.code]).toEqual([as.run, [true]]);
      expect(without.code).not.toContain(true);
    }
  });

  test('a package without packs runs from its chunks', async () => {
    const { dist, bin } = await installed();
    const root = await temporary(GUEST);
    for (const name of readdirSync(dist).filter((one) => one.startsWith('pack'))) rmSync(join(dist, name));
    writeFileSync(join(dist, 'package.json'), '{"type":"commonjs"}');
    const { run } = await listened([...CHECK, '--root', root], bin);
    expect(run).toEqual((await listened([...CHECK, '--root', root])).run);
  });
});
