import { describe, expect, it } from 'vitest';
import { journalWatch } from '../../../lab/power/journal-lines.ts';

/** As the disk gets it: the block from its start, with zeros behind the text. */
function block(...lines: readonly string[]): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.write(lines.map((line) => `${line}\n`).join(''));
  return bytes;
}

function watched(): { readonly names: string[]; readonly write: (data: Buffer) => void } {
  const names: string[] = [];
  return { names, write: journalWatch((name) => names.push(name)) };
}

const BEGIN = '{"time":"2026-11-27T23:50:00.000Z","event":"begin"}';
const INTENT =
  '{"time":"2026-11-27T23:50:00.100Z","event":"intent","step":0,"kind":"kept-image","undo":[{"path":"/boot/x","restore":null}]}';
const DONE = '{"time":"2026-11-27T23:50:00.200Z","event":"done","step":0,"kind":"kept-image","becomes":{}}';

describe('the journal, as the disk sees it', () => {
  it('tells each line once, though its block is written again and again', () => {
    const { names, write } = watched();
    write(block(BEGIN));
    write(block(BEGIN, INTENT));
    write(block(BEGIN, INTENT));
    write(block(BEGIN, INTENT, DONE));
    expect(names).toEqual(['begin', 'intent kept-image', 'done kept-image']);
  });

  it('tells a later transaction’s lines too', () => {
    const { names, write } = watched();
    write(block(BEGIN));
    write(block(BEGIN.replace('50:00.000', '51:00.000')));
    expect(names).toEqual(['begin', 'begin']);
  });

  it('reads the lines of a bundle, whose clock has no more than seconds', () => {
    const { names, write } = watched();
    write(block('{"time":"2026-11-27T23:50:00.000Z","event":"rolling-back"}'));
    expect(names).toEqual(['rolling-back']);
  });

  it('finds them in the middle of a long write', () => {
    const { names, write } = watched();
    write(Buffer.concat([Buffer.alloc(8192, 'x'), block(BEGIN), Buffer.alloc(4096)]));
    expect(names).toEqual(['begin']);
  });

  it('passes over half a line, and what only looks like one', () => {
    const { names, write } = watched();
    write(block(BEGIN.slice(0, 50)));
    write(block('{"time":"2026-11-27T23:50:00.000Z","event":"something"}', 'an "event":"begin" of nobody'));
    expect(names).toEqual([]);
  });
});
