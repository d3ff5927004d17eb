import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { range } from '../helpers/attack.ts';
import { HEADERS, headersMakefile } from '../helpers/buildable-guest.ts';
import type { HostileTree } from '../helpers/hostile-tree.ts';

const { victim, tree, build } = range();

describe('the cache', () => {
  /** Adds a comment so that every Makefile has the same size, and the same time. */
  function writeMakefile({ root }: HostileTree, hook: string): void {
    const path = join(root, HEADERS, 'Makefile');
    writeFileSync(path, `${headersMakefile(hook)}# `.padEnd(2000, '-'));
    for (const place of [path, join(root, HEADERS)])
      execFileSync('touch', ['-h', '-d', '@1700000000', place]);
    execFileSync('find', [join(root, HEADERS), '-exec', 'touch', '-h', '-d', '@1700000000', '{}', '+']);
  }
  const DOCTOR =
    "case $(M) in *patched*) sed -i 's/DID_BAD_TARGET << 16/DID_NO_CONNECT << 16/' $(M)/mptscsih.c ;; esac";

  test('gives nothing that another guest’s headers have made, though names, sizes and times are the same', async () => {
    const cache = join(victim().base, 'cache');
    mkdirSync(cache, { mode: 0o700 });
    const doctored = tree();
    writeMakefile(doctored, DOCTOR);
    const size = statSync(join(doctored.root, HEADERS, 'Makefile')).size;
    await build(doctored, [], cache);
    const honest = tree();
    writeMakefile(honest, 'true');
    expect(statSync(join(honest.root, HEADERS, 'Makefile')).size).toBe(size);
    const alone = await build(honest, ['--no-cache']);
    const cached = await build(honest, [], cache);
    expect([alone.run.status, cached.run.status]).toEqual([0, 0]);
    expect(readFileSync(cached.module)).toEqual(readFileSync(alone.module));
  });

  test('takes nothing from a build whose proofs did not hold', async () => {
    const cache = join(victim().base, 'cache-of-failures');
    mkdirSync(cache, { mode: 0o700 });
    const doctored = tree();
    writeMakefile(doctored, "sed -i 's/DID_OK << 16/DID_RESET << 16/' $(M)/mptscsih.c");
    const { run } = await build(doctored, [], cache);
    expect(run.status).toBe(7);
    const kept = readdirSync(cache, { recursive: true }).filter((name) =>
      /^[0-9a-f]{64}$/.test(basename(String(name))),
    );
    expect(kept).toEqual([]);
  });
});
