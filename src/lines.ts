/** The lines of a text, one after the other: as a list those of a large index would take more memory than the index. */
export function* linesOf(text: string): Generator<string, undefined, undefined> {
  let at = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
    yield text.slice(at, end);
    at = end + 1;
  }
  yield text.slice(at);
}
