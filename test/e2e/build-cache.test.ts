import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { buildBench, proofs } from '../helpers/build.ts';
import { mptfix } from '../helpers/cli.ts';
import { modulePath, slimGuest } from '../helpers/slim-guest.ts';

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

  test('of a tree is found without a copy of its headers; one other byte in these, and it is compiled with them', async () => {
    const tree = slimGuest(fixture);
    onTestFinished(() => tree.dispose());
    const env = { XDG_CACHE_HOME: at('cache-of-a-tree') };
    mkdirSync(env.XDG_CACHE_HOME);
    const of = ['--root', tree.root, '--source', source];
    const outputs = [output(), output(), output()] as const;
    const isCached = (out: string): boolean =>
      readFileSync(join(out, 'build.log'), 'utf8').includes('taken from the cache');
    const runs = [await build(of, outputs[0], env), await build(of, outputs[1], env)];
    const config = `usr/src/linux-headers-${release}/include/generated/autoconf.h`;
    tree.put(config, `${readFileSync(tree.at(config), 'utf8')}/* one more line */\n`);
    runs.push(await build(of, outputs[2], env));
    expect(runs.map(({ status, stderr }) => [status, stderr])).toEqual(
      runs.map(() => [0, expect.anything()]),
    );
    expect(outputs.map(isCached)).toEqual([false, true, false]);
    const [first, ...others] = outputs.map((out) => readFileSync(join(out, basename(affected))));
    for (const other of others) expect(other.equals(first as Buffer)).toBe(true);
    const [cold, warm] = runs.map((run) => proofs(run));
    expect(warm).toEqual(cold);
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
