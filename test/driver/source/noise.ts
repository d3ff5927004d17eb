import fc from 'fast-check';

/** A piece of C, split without the help of the scanner that is under test. */
const PIECE = /"(?:\\.|[^"\\])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*|#[^\n]*|\w+|->|<<|[=!]=|&&|\|\||[^\s\w]|\s+/g;

const GAPS = [
  ' ',
  '\t',
  '  ',
  '\n\t',
  ' /* a comment, "quoted" */ ',
  ' // to the end\n',
  ' \\\n ',
  '\n\n',
  ' /*\n * if (scsi_status == MPI_SCSI_STATUS_BUSY)\n */ ',
];

const DEAD = [
  '\n#if 0\n if (scsi_status == MPI_SCSI_STATUS_BUSY) sc->result = (DID_BUS_BUSY << 16) | scsi_status; else {\n#endif\n',
  "\n#ifdef 0\n it's no C { ( \n#endif\n",
  '\n#if 1\n#else\n sc->result = DID_BUS_BUSY << 16;\n#endif\n',
];

/** How to change the looks of a file: a gap for each space, lines before it, dead code, the kind of newlines. */
export interface Noise {
  readonly gaps: readonly number[];
  readonly shift: number;
  readonly dead: readonly number[];
  readonly crlf: boolean;
}

export const noise: fc.Arbitrary<Noise> = fc.record({
  gaps: fc.array(fc.nat(GAPS.length * 3), { minLength: 20, maxLength: 60 }),
  shift: fc.nat(30),
  dead: fc.array(fc.nat(DEAD.length * 4), { minLength: 5, maxLength: 20 }),
  crlf: fc.boolean(),
});

/** The same program with other looks. */
export function disguise(text: string, how: Noise): string {
  let gap = 0;
  let statement = 0;
  const pieces = (text.match(PIECE) ?? []).map((piece, at, all) => {
    if (/^\s+$/.test(piece)) {
      const pick = GAPS[how.gaps[gap++ % how.gaps.length] ?? -1];
      // A directive keeps its line, and so do what stands before one and a comment to the end of its line.
      const before = all[at - 1] ?? '';
      const bound = all[at + 1]?.startsWith('#') || before.startsWith('#') || before.startsWith('//');
      return pick === undefined || bound ? piece : pick;
    }
    if (
      piece === ';' &&
      all[at + 1]?.startsWith('\n') &&
      !/^\s*else\b/.test(all.slice(at + 1, at + 3).join(''))
    ) {
      return piece + (DEAD[how.dead[statement++ % how.dead.length] ?? -1] ?? '');
    }
    return piece;
  });
  const shifted = '/* moved */\n'.repeat(how.shift) + pieces.join('');
  return how.crlf ? shifted.replaceAll(/\r?\n/g, '\r\n') : shifted;
}

/** What is left of a program without looks: no comments, dead code, continuations or white space. */
export function essence(text: string): string {
  const unix = text.replaceAll('\r\n', '\n').replaceAll('\\\n', ' ');
  const live = DEAD.reduce((left, dead) => left.replaceAll(dead, ' '), unix);
  return (live.match(PIECE) ?? []).filter((piece) => !/^\s|^\/[*/]/.test(piece)).join(' ');
}
