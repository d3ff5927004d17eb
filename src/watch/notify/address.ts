/** `name@host`, or a local name such as `root`; nothing that could form a header or a list. */
export function isAddress(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= 254 &&
    /^[^\s\p{C}@,;:<>()[\]"\\]+(@[^\s\p{C}@,;:<>()[\]"\\]+)?$/u.test(value)
  );
}
