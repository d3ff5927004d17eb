import { benchCheck } from './check.ts';
import { benchWatch } from './watch.ts';

const parts = [
  ['mptfix check on this machine', benchCheck],
  ['mptfix watch once on this machine', benchWatch],
] as const;

for (const [title, bench] of parts) {
  process.stdout.write(`\n## ${title}\n\n`);
  process.stdout.write(`${await bench()}\n`);
}
