import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { forbiddenImports, importCircles, ROOMS, readImports } from '../../scripts/rooms.ts';
import { temporary } from '../machine/temporary.ts';

async function graphOf(files: Readonly<Record<string, string>>): Promise<ReturnType<typeof readImports>> {
  const folder = await temporary();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return readImports(folder);
}

const TABLE = { upper: ['lower'], lower: [] };

test('an import that its room’s row does not have is named, in every form of an import', async () => {
  const graph = await graphOf({
    'upper/a.ts': "import { b } from '../lower/b.ts';\nimport { ground } from '../ground.ts';\n",
    'lower/b.ts': "import type { A } from '../upper/a.ts';\n",
    'lower/c.ts': "export { a } from '../upper/a.ts';\n",
    'lower/d.ts': "const later = await import('../upper/a.ts');\n",
    'lower/e.ts': "import '../upper/a.ts';\n",
    'lower/f.ts': "import {\n  a,\n  type A,\n} from '../upper/a.ts';\n",
    'ground.ts': "import { b } from './lower/b.ts';\n",
    'new/x.ts': '',
  });
  expect(forbiddenImports(graph, TABLE)).toEqual([
    'ground.ts -> lower/b.ts',
    ...['b', 'c', 'd', 'e', 'f'].map((name) => `lower/${name}.ts -> upper/a.ts`),
    'new/x.ts: the room new has no row',
  ]);
});

test('a circle is named once, whichever file it is entered by; a diamond is none', async () => {
  const graph = await graphOf({
    'a.ts': "import './b.ts';\nimport './c.ts';\n",
    'b.ts': "import type { D } from './d.ts';\n",
    'c.ts': "import './d.ts';\n",
    'd.ts': '',
    'x.ts': "import './z.ts';\n",
    'y.ts': "import type { X } from './x.ts';\n",
    'z.ts': "const y = await import('./y.ts');\n",
  });
  expect(importCircles(graph)).toEqual(['x.ts -> z.ts -> y.ts -> x.ts']);
});

test('the rows themselves know no circle: a room stands above all that it may import', () => {
  const rows = new Map(Object.entries(ROOMS).map(([room, may]) => [room, [...may]]));
  expect(importCircles(rows)).toEqual([]);
});
