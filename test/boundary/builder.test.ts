import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { range } from '../helpers/attack.ts';
import { HEADERS, headersMakefile } from '../helpers/buildable-guest.ts';
import { processesIn } from '../helpers/processes.ts';

const { victim, tree, build } = range();

test('a guest with headers that mean no harm is built', async () => {
  const { run, module, work } = await build(tree());
  expect([run.status, existsSync(module), readdirSync(work)]).toEqual([0, true, []]);
});

/** Swaps two names for ever; started away from make, in a session of its own. */
const FLIPPER = `#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words)
{
	if (fork() != 0 || setsid() < 0 || fork() != 0)
		return 0;
	close(0); close(1); close(2);
	for (long turn = 0; turn < 200000000 && access(words[3], F_OK) == 0; turn++)
		renameat2(AT_FDCWD, words[1], AT_FDCWD, words[2], RENAME_EXCHANGE);
	return 0;
}
`;

test('what a Makefile has left running is dead before the work folder goes, and the host keeps its files', async () => {
  const flood = join(victim().folder, 'data/flood');
  mkdirSync(flood);
  const names = Array.from({ length: 1500 }, (_, index) => `f${index}`);
  for (const name of names) writeFileSync(join(flood, name), '');
  const hostile = tree();
  const headers = join(hostile.root, HEADERS);
  writeFileSync(join(victim().base, 'flip.c'), FLIPPER);
  execFileSync('gcc', ['-static', '-O1', '-o', join(headers, 'flip'), join(victim().base, 'flip.c')]);
  const hook = `mkdir -p $(M)/flood && cd $(M)/flood && seq -f f%.0f 0 1499 | xargs touch && cd .. && ln -s ${flood} out && $(CURDIR)/flip $(M)/flood $(M)/out $(M)`;
  writeFileSync(join(headers, 'Makefile'), headersMakefile(hook));
  try {
    for (let turn = 0; turn < 3; turn += 1) {
      const { harm, work } = await build(hostile);
      await setTimeout(100);
      const left = processesIn('flood').map(({ argv }) => argv);
      expect([harm, left, readdirSync(work)]).toEqual([[], [], []]);
    }
  } finally {
    for (const { pid } of processesIn('flood')) process.kill(pid, 'SIGKILL');
    rmSync(flood, { recursive: true });
  }
});
