import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

const SCRIPT = resolve('src/build/elsewhere/compile.sh');

/** Every shell that a machine of 2003 to today has as /bin/sh. */
const SHELLS = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'sh'],
  ['mksh'],
  ['posh'],
  ['yash', '-o', 'posix'],
];

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-compile-sh-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** A job whose make copies the driver's file, and says what it was called with. */
function jobIn(folder: string, more: Readonly<Record<string, string>> = {}): string {
  const job = join(folder, 'job');
  put(job, {
    id: 'the-id\n',
    'parts/0/Makefile': 'modules:\n\t@echo "CC is $(CC)"\n\t@cp $(M)/a.c $(M)/a.ko\n',
    places: `0\t${folder}/place/usr/src/headers\n`,
    command: `make\n-C\n${folder}/place/usr/src/headers\nM=${folder}/place/build/module\nmodules\nCC=gcc -m32 'x' $y\n`,
    compiler: 'gcc\n',
    seen: `${folder}/place/build/module\n`,
    module: 'a\n',
    'unchanged/a.c': 'int before;\n',
    'patched/a.c': 'int after;\n',
    ...more,
  });
  return job;
}

function compile(shell: readonly string[], job: string, results: string) {
  const [file = '', ...words] = shell;
  return spawnSync(file, [...words, SCRIPT, job, results], { encoding: 'utf8' });
}

describe.each(SHELLS)('under %s', (...shell) => {
  test('each build has its own source, a log, a status and a module, and the compiler has its words', () => {
    const folder = temporary();
    const results = join(folder, 'results');
    const { status, stderr } = compile(shell, jobIn(folder), results);
    expect([status, stderr]).toEqual([0, '']);
    const read = (name: string) => readFileSync(join(results, name), 'utf8');
    expect(readdirSync(results).sort()).toEqual(
      ['compiler', 'compiler.sha256', 'id', 'patched.ko', 'patched.log', 'patched.status'].concat([
        'unchanged.ko',
        'unchanged.log',
        'unchanged.status',
      ]),
    );
    expect([read('patched.ko'), read('unchanged.ko')]).toEqual(['int after;\n', 'int before;\n']);
    expect([read('patched.status'), read('id')]).toEqual(['0\n', 'the-id\n']);
    // The word stays one word, and no shell takes it apart.
    expect(read('patched.log')).toContain("CC is gcc -m32 'x'");
    expect(read('compiler')).toMatch(/^\d+(\.\d+)*\n(.*\n)?\n?gcc /);
  });

  test('a make that fails leaves its log, and no module of the build before', () => {
    const folder = temporary();
    const results = join(folder, 'results');
    const job = jobIn(folder, {
      'parts/0/Makefile':
        'modules:\n\t@grep -q before $(M)/a.c || { echo broken; exit 1; }; cp $(M)/a.c $(M)/a.ko\n',
    });
    expect(compile(shell, job, results).status).toBe(0);
    expect(existsSync(join(results, 'patched.ko'))).toBe(false);
    expect(readFileSync(join(results, 'patched.status'), 'utf8')).not.toBe('0\n');
    expect(readFileSync(join(results, 'patched.log'), 'utf8')).toContain('broken');
    expect(readFileSync(join(results, 'unchanged.ko'), 'utf8')).toBe('int before;\n');
  });

  test('an image without the compiler is told by name, and nothing is compiled', () => {
    const folder = temporary();
    const results = join(folder, 'results');
    const job = jobIn(folder, { compiler: 'gcc-2.96\n-m32\n' });
    expect(compile(shell, job, results)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(results, 'lacks'), 'utf8').trim()).toBe('gcc-2.96');
    expect(readdirSync(results).sort()).toEqual(['id', 'lacks']);
  });

  test('a folder that is not whole is refused, and nothing is written', () => {
    const folder = temporary();
    const job = jobIn(folder);
    rmSync(join(job, 'id'));
    const { status, stderr } = compile(shell, job, join(folder, 'results'));
    expect([status, stderr]).toEqual([2, expect.stringContaining('usage: sh compile.sh JOB RESULTS')]);
    expect(existsSync(join(folder, 'results'))).toBe(false);
  });
});

test('shellcheck finds nothing', () => {
  execFileSync('shellcheck', ['-s', 'sh', SCRIPT], { stdio: 'pipe' });
});
