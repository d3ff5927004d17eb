import { benchCheck } from './check.ts';

const parts = [['mptfix check on this machine', benchCheck]] as const;

for (const [title, bench] of parts) {
  process.stdout.write(`\n## ${title}\n\n`);
  process.stdout.write(`${await bench()}\n`);
}
