import { type ElfFile, SHT_NOTE, sectionBytes } from './elf.ts';
import { latin1, slice, u32, viewOf } from './view.ts';

/** What of a file's head the reader of notes needs. */
type NoteFormat = Pick<ElfFile, 'littleEndian' | 'class'>;

const NT_GNU_BUILD_ID = 3;

/** The linker's build-id as lower-case hex, from the GNU note of that type; undefined where there is none. */
export function buildId(elf: ElfFile): string | undefined {
  const section = elf.sections.find(({ type, name }) => type === SHT_NOTE && name === '.note.gnu.build-id');
  return section === undefined ? undefined : buildIdOfNotes(sectionBytes(elf, section), elf);
}

/** The same from the notes alone, as the kernel shows them in /sys/module/NAME/notes. */
export function buildIdOfNotes(content: Uint8Array, format: NoteFormat): string | undefined {
  const view = viewOf(content, format.littleEndian, format.class);
  for (let at = 0; at + 12 <= content.length; ) {
    const nameSize = u32(view, at);
    const descSize = u32(view, at + 4);
    const name = slice(content, at + 12, nameSize, 'a note');
    const descAt = at + 12 + padded(nameSize);
    const desc = slice(content, descAt, descSize, 'a note');
    if (u32(view, at + 8) === NT_GNU_BUILD_ID && nameSize === 4 && latin1(name) === 'GNU\0') {
      return Buffer.from(desc).toString('hex');
    }
    at = descAt + padded(descSize);
  }
  return undefined;
}

function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}
