/** What one line of a guest's script says, whatever stands before it: `LAB key words`. Undefined where it is not one. */
export function labLine(line: string): { readonly key: string; readonly words: string } | undefined {
  const found = /LAB (\w+):?(?: (.*?))?\s*$/.exec(line);
  return found === null ? undefined : { key: found[1] ?? '', words: found[2] ?? '' };
}
