import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { buildBench } from '../helpers/build.ts';
import { mptfix } from '../helpers/cli.ts';
import { modulePath } from '../helpers/slim-guest.ts';

const fixture = inject('fixture');
const { guest, source, release } = fixture;
const affected = join(guest, modulePath(release));
const { at, headers, output, build } = buildBench(fixture);

describe('the cache', () => {
  const args = (): string[] => ['--source', source, '--headers', headers(), '--module', affected];

  test('gives the same module without a compiler; a damaged entry and an other input are not believed', async () => {
    const env = { XDG_CACHE_HOME: at('cache') };
    mkdirSync(env.XDG_CACHE_HOME);
    const [first, second, third] = [output(), output(), output()];
    expect((await build(args(), first, env)).status).toBe(0);
    expect((await build(args(), second, env)).status).toBe(0);
    const file = (out: string): Buffer => readFileSync(join(out, basename(affected)));
    expect(file(second)).toEqual(file(first));
    expect(readFileSync(join(second, 'build.log'), 'utf8')).toContain('taken from the cache');
    expect(readFileSync(join(first, 'build.log'), 'utf8')).not.toContain('taken from the cache');
    for (const name of readdirSync(join(env.XDG_CACHE_HOME, 'mptfix'))) {
      const path = join(env.XDG_CACHE_HOME, 'mptfix', name);
      writeFileSync(path, readFileSync(path).subarray(0, -7));
    }
    // Compiled again, and nothing is where or as it was: the same bytes must come out.
    const elsewhere = at('elsewhere');
    mkdirSync(join(elsewhere, 'temporary'), { recursive: true });
    cpSync(source, join(elsewhere, 'linux'), { recursive: true });
    execFileSync('cp', ['-al', at('headers'), join(elsewhere, 'tree')]);
    cpSync(affected, join(elsewhere, basename(affected)));
    const again = await mptfix(
      [
        ...['build', '--json', '--output', third, '--work', elsewhere],
        ...['--source', join(elsewhere, 'linux'), '--module', join(elsewhere, basename(affected))],
        ...['--headers', join(elsewhere, 'tree/usr/src', basename(headers()))],
      ],
      {
        env: { ...env, TMPDIR: join(elsewhere, 'temporary'), TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8' },
        prefix: ['sh', '-c', 'umask 077; exec "$@"', 'sh'],
        cwd: elsewhere,
      },
    );
    expect(again.status).toBe(0);
    expect(readFileSync(join(third, 'build.log'), 'utf8')).not.toContain('taken from the cache');
    const bundle = (out: string): Buffer => readFileSync(join(out, `mptfix-mptscsih-${release}-x86_64.run`));
    expect(bundle(second).equals(bundle(first))).toBe(true);
    expect(bundle(third).equals(bundle(first))).toBe(true);
    const other = output();
    expect((await build([...args(), '--make-var', 'KCFLAGS=-DOTHER'], other, env)).status).toBe(0);
    expect(readFileSync(join(other, 'build.log'), 'utf8')).not.toContain('taken from the cache');
  });

  test('is not used where others could write to it, nor with --no-cache', async () => {
    const env = { XDG_CACHE_HOME: at('open-cache') };
    mkdirSync(join(env.XDG_CACHE_HOME, 'mptfix'), { recursive: true });
    execFileSync('chmod', ['777', join(env.XDG_CACHE_HOME, 'mptfix')]);
    expect((await build(args(), output(), env)).status).toBe(0);
    expect(readdirSync(join(env.XDG_CACHE_HOME, 'mptfix'))).toEqual([]);
    const closed = { XDG_CACHE_HOME: at('closed-cache') };
    mkdirSync(closed.XDG_CACHE_HOME);
    expect((await build([...args(), '--no-cache'], output(), closed)).status).toBe(0);
    expect(existsSync(join(closed.XDG_CACHE_HOME, 'mptfix'))).toBe(false);
  });
});
