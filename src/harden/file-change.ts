import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import type { Planned } from './perform.ts';

/** The change that gives a file this content; none where it has it already. A file's own mode is kept. */
export async function fileChange(
  target: Target,
  path: string,
  content: Buffer,
  what: string,
  mode: number,
): Promise<readonly Planned[]> {
  const before = await recordFile(target, path);
  const after = createHash('sha256').update(content).digest('hex');
  if (before?.sha256 === after) return [];
  return [
    {
      change: {
        kind: 'file',
        path,
        what,
        before: before ?? null,
        backup: before === undefined ? null : path.slice(1).replaceAll('/', '_'),
        after,
        mode: before === undefined ? mode : Number.parseInt(before.mode, 8),
      },
      content,
    },
  ];
}

/** The folders that are missing down to this one, the topmost first. */
export async function foldersFor(target: Target, folder: string): Promise<readonly Planned[]> {
  if ((await target.stat(folder)) !== undefined) return [];
  return [...(await foldersFor(target, dirname(folder))), { change: { kind: 'folder', path: folder } }];
}
