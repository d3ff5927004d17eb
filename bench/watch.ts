import { race, table } from './measure.ts';

/** `mptfix watch once`, which a timer calls each minute, beside a Node that does nothing. Target: under 0.15 s and 60 MB. */
export async function benchWatch(): Promise<string> {
  const rows = await race(
    [
      { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
      { name: 'mptfix watch once', argv: [process.execPath, 'bin/mptfix.cjs', 'watch', 'once', '--json'] },
    ],
    15,
  );
  return table(rows, 'node -e 0');
}
