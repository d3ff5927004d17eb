/** `name@host`, or a local name such as `root`; nothing that a header or a list could be made of. */
export function isAddress(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= 254 &&
    /^[^\s\p{C}@,;:<>()[\]"\\]+(@[^\s\p{C}@,;:<>()[\]"\\]+)?$/u.test(value)
  );
}
