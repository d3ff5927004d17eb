/**
 * What a parser asks for next of a stream of bytes: so many at once, so many one after the other without keeping them,
 * or all zeros that come now.
 */
export type Want =
  | { readonly take: number }
  | { readonly pass: number; readonly to?: (part: Buffer) => void }
  | { readonly zeros: true };

/** A parser of a stream: it yields what it wants, and gets what it took (nothing for the other two). */
export type Parser<Result> = Generator<Want, Result, Buffer>;

const NOTHING = Buffer.alloc(0);

/** Drives a parser with the chunks of a stream as they come, so that no more than one chunk is held. */
export function feed<Result>(parser: Parser<Result>) {
  let step = parser.next(NOTHING);
  let held: Buffer = NOTHING;
  let passed = 0;
  let position = 0;

  /** Gives the parser more bytes. Answers how many it took: fewer than all only where it has ended. */
  const push = (chunk: Buffer): number => {
    let at = 0;
    while (step.done !== true) {
      const want = step.value;
      const left = chunk.length - at;
      if ('zeros' in want) {
        const start = at;
        while (at < chunk.length && chunk[at] === 0) at += 1;
        position += at - start;
        if (at === chunk.length) return at;
        step = parser.next(NOTHING);
      } else if ('take' in want) {
        const count = Math.min(want.take - held.length, left);
        const part = chunk.subarray(at, at + count);
        held = held.length === 0 ? part : Buffer.concat([held, part]);
        at += count;
        position += count;
        if (held.length < want.take) {
          // The chunk's memory may be used again by who gave it.
          held = Buffer.from(held);
          return at;
        }
        const taken = held;
        held = NOTHING;
        step = parser.next(taken);
      } else {
        const count = Math.min(want.pass - passed, left);
        if (count > 0) want.to?.(chunk.subarray(at, at + count));
        at += count;
        position += count;
        passed += count;
        if (passed < want.pass) return at;
        passed = 0;
        step = parser.next(NOTHING);
      }
    }
    return at;
  };
  return {
    push,
    /** What the parser answered; undefined where it wants more. */
    result: (): Result | undefined => (step.done === true ? step.value : undefined),
    /** Bytes that the parser has had. */
    position: () => position,
    /** Bytes of a `take` that is not complete. */
    pending: () => held.length,
  };
}
