/*
 * What a guest's tools say in the C locale, by errno. The words are those of strerror(3) in glibc and uClibc; musl's where
 * they differ.
 */
const WORDS: readonly (readonly [code: string, words: readonly string[]])[] = [
  ['ENOENT', ['No such file or directory']],
  ['ENOTDIR', ['Not a directory']],
  ['EACCES', ['Permission denied']],
  ['EPERM', ['Operation not permitted']],
  [
    'ELOOP',
    ['Too many levels of symbolic links', 'Too many symbolic links encountered', 'Symbolic link loop'],
  ],
  ['EIO', ['Input/output error', 'I/O error']],
  ['EROFS', ['Read-only file system']],
  ['EISDIR', ['Is a directory']],
  ['ESTALE', ['Stale NFS file handle', 'Stale file handle']],
  ['ENAMETOOLONG', ['File name too long', 'Filename too long']],
  ['EINVAL', ['Invalid argument']],
];

/** Node's error for what a tool of the guest said; without a code where the words are none of these. */
export function guestError(path: string, stderr: string): Error {
  const lines = stderr
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  // At the end of a line: a path with such words in it stands before, and one with a newline makes it two lines.
  const codeOf = (line: string): string | undefined =>
    WORDS.find(([, words]) => words.some((one) => line.endsWith(one)))?.[0];
  const line = lines.find((one) => codeOf(one) !== undefined) ?? lines[0] ?? 'it says nothing';
  const code = codeOf(line);
  const error = new Error(
    code === undefined ? `${path} cannot be read: ${line}` : `${code}: ${line}, '${path}'`,
  );
  return code === undefined ? error : Object.assign(error, { code, syscall: 'ssh', path });
}
