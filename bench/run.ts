import { benchCheck } from './check.ts';
import { benchDiagnose } from './diagnose.ts';

const parts = [
  ['mptfix check on this machine', benchCheck],
  ['mptfix diagnose of a log of 1 GiB', benchDiagnose],
] as const;

for (const [title, bench] of parts) {
  process.stdout.write(`\n## ${title}\n\n`);
  process.stdout.write(`${await bench()}\n`);
}
