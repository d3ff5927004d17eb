import { race, table } from './measure.ts';

/** `mptfix check` on this machine, beside a Node that does nothing. Target: under 0.2 s and 90 MiB. */
export async function benchCheck(): Promise<string> {
  const rows = await race(
    [
      { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
      { name: 'mptfix check', argv: [process.execPath, 'bin/mptfix.cjs', 'check', '--json'] },
    ],
    15,
  );
  return table(rows, 'node -e 0');
}
