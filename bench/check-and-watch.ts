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
