import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../../src/errors.ts';
import { makeFolders } from '../../../src/machine/folders.ts';
import type { Target } from '../../../src/machine/port.ts';
import type { Report } from './report.ts';

const BEGIN = '<!-- from here on written by `npm run lab -- report` -->';
const END = '<!-- until here -->';
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/**
 * Writes `lab.md` and `lab/KERNEL.svg` into a folder. Of a page that is there, what is outside the markers stays; pictures
 * of kernels that the report does not have are removed. Throws E_FILE where the page has no markers.
 */
export async function writeReport(machine: Target, folder: string, report: Report): Promise<string> {
  const pictures = join(folder, 'lab');
  await makeFolders(machine, pictures);
  const path = join(folder, 'lab.md');
  const before = await machine.readText(path, MAX_PAGE_BYTES);
  await machine.write(path, pageWith(before, report.page, path), { mode: 0o644 });
  for (const [name, svg] of report.pictures)
    await machine.write(join(pictures, `${name}.svg`), svg, { mode: 0o644 });
  for (const name of await readdir(pictures))
    if (name.endsWith('.svg') && !report.pictures.has(name.slice(0, -'.svg'.length)))
      await machine.remove(join(pictures, name));
  return path;
}

/** The page with what is between the markers replaced; `before` is undefined where there is no page yet. */
export function pageWith(before: string | undefined, written: string, path: string): string {
  const text = before ?? `# The lab: results\n\n${BEGIN}\n${END}\n`;
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from || text.indexOf(BEGIN, from + 1) >= 0 || text.indexOf(END, to + 1) >= 0) {
    throw failure(
      'E_FILE',
      `${path} does not have each of the report's two markers once, in their order`,
      `git checkout -- ${path}`,
    );
  }
  return `${text.slice(0, from + BEGIN.length)}\n\n${written}\n\n${text.slice(to)}`;
}
