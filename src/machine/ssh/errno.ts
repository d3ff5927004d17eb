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
  const line =
    stderr
      .split('\n')
      .find((one) => one.trim() !== '')
      ?.trim() ?? 'it says nothing';
  // At the end of the line: a path with such words in it stands before.
  const code = WORDS.find(([, words]) => words.some((one) => line.endsWith(one)))?.[0];
  const error = new Error(
    code === undefined ? `${path} cannot be read: ${line}` : `${code}: ${line}, '${path}'`,
  );
  return code === undefined ? error : Object.assign(error, { code, syscall: 'ssh', path });
}
