/**
 * Decodes the octal escapes of a mount table's or fstab's field: the kernel and fstab(5) write blank, tab, newline
 * and backslash (later kernels also `#`) as `\040`, `\011`, `\012`, `\134`. Anything else stays as it is.
 */
export function decodeOctal(field: string): string {
  return field.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
