import { type CauseName, isThisBug } from '../../kernel-log/cause.ts';
import { logEvents } from '../../kernel-log/events.ts';
import type { Layer } from '../../kernel-log/signature.ts';

const BY_CAUSE: Readonly<Record<CauseName, string | undefined>> = {
  'this-bug':
    'a path failure of the storage, made an I/O error by the LSI driver (host byte 0x02 with status 0x08): mptfix check tells, mptfix apply cures it',
  'window-used-up':
    'the storage was away for longer than the kernel waits (its timeouts were used up): not the driver’s fault',
  other: undefined,
};

const BY_LAYER: readonly (readonly [layers: readonly Layer[], cause: string])[] = [
  [['driver', 'scsi', 'block'], 'an I/O error of the disk, or of the storage behind it'],
  [
    ['file-system'],
    'an error in the file system’s own data: no I/O error was seen, so the storage may be well',
  ],
];

/**
 * What most likely made file systems fail, from the kernel's messages. What is surest counts, not what came last: a
 * storage that is away for long shows the used-up window and plain I/O errors beside it.
 */
export function likelyCause(messages: readonly string[]): string {
  const events = messages.flatMap((message) => logEvents(message));
  const causes = new Set(events.map((event) => isThisBug(event)?.cause));
  for (const name of ['this-bug', 'window-used-up'] as const) {
    const text = BY_CAUSE[name];
    if (causes.has(name) && text !== undefined) return text;
  }
  const found = BY_LAYER.find(([layers]) => events.some(({ layer }) => layers.includes(layer)));
  return found?.[1] ?? 'not known: the kernel’s messages say nothing of it';
}
