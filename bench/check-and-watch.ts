import { race } from './measure.ts';
import { ratioTarget, table, targets } from './table.ts';

const NODE = 'node -e 0';
const ROUNDS = 25;

/** `mptfix check` of this machine, beside a Node that does nothing. Target: at most 2.5 times that. */
export async function benchCheck(): Promise<string> {
  return besideNode('mptfix check', ['check', '--json']);
}

/** `mptfix watch once`, which a timer calls each minute, beside a Node that does nothing. Target: at most 2.5 times that. */
export async function benchWatch(): Promise<string> {
  return besideNode('mptfix watch once', ['watch', 'once', '--json']);
}

async function besideNode(name: string, words: readonly string[]): Promise<string> {
  const rows = await race(
    [
      { name: NODE, argv: [process.execPath, '-e', '0'] },
      { name, argv: [process.execPath, 'bin/mptfix.cjs', ...words] },
    ],
    ROUNDS,
  );
  return [table(rows, NODE), targets(ratioTarget(rows, [name, NODE], 2.5))].join('\n\n');
}
