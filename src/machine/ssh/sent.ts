import { randomBytes } from 'node:crypto';
import { failure } from '../../errors.ts';
import { shQuoteAll } from '../../sh-quote.ts';
import type { RunResult } from '../program.ts';
import { TOOL_PATH } from '../programs.ts';
import type { Connection } from './connection.ts';

/*
 * A file of sh goes to the guest and is run there. Once it is there as a whole, the connection decides nothing any more: no
 * signal of a lost one reaches the file's shell, and it writes to files, so that none of its words ends it (SIGPIPE). A file
 * that came in part is removed by the guest itself.
 */

/** Folders in which only root makes anything, the first that is there; the first two are empty after a reboot. */
const FOLDERS = ['/var/run', '/run', '/var/lib'] as const;
const NAME = 'bundle.run';
/** What the line ends with where the file never ran. */
const NO_FOLDER = 121;
const NOT_WHOLE = 122;

/** mkinitrd of a slow guest with several images takes many minutes. */
const RUN_MS = 2 * 60 * 60 * 1000;
const RUN_BYTES = 4 * 1024 * 1024;

/** See `HostTarget.runSent`. */
export async function runSent(
  connection: Connection,
  host: string,
  file: Uint8Array,
  words: readonly string[],
): Promise<RunResult> {
  const folder = `mptfix-${randomBytes(16).toString('hex')}`;
  const answer = await connection.send((mark) => runLine({ mark, folder, size: file.length, words }), file, {
    bytes: RUN_BYTES,
    timeoutMs: RUN_MS,
  });
  const { status, stdout, stderr } = answer;
  if (status === NO_FOLDER) {
    throw failure(
      'E_READ_ONLY',
      `no folder can be made in ${FOLDERS.join(', ')} of ${host}: ${stderr.trim()}`,
      'see that the storage answers again and that this user is root there, then run the command again',
    );
  }
  if (status === NOT_WHOLE) {
    throw failure(
      'E_NO_SPACE',
      `the bundle (${file.length} bytes) could not be written to ${host}: ${stderr.trim()}`,
      'free some space there, then run the command again',
    );
  }
  return { status, stdout, stderr };
}

interface Sent {
  readonly mark: string;
  /** A name that nobody can have foreseen. */
  readonly folder: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly words: readonly string[];
}

/** One line for the guest's sh, with tools of 2003; its standard input is the file. */
export function runLine({ mark, folder, size, words }: Sent): string {
  if (words.some((word) => word.includes('\n'))) throw new Error('the words are all in one line');
  const answer = [
    "trap '' 1 2 13 15",
    `echo ${mark}b`,
    `echo ${mark}b >&2`,
    'if [ -f "$d/out" ]; then cat "$d/out"; cat "$d/err" >&2; else echo "$why" >&2; fi',
    '[ -z "$d" ] || rm -rf "$d"',
    `echo "${mark}e $s"`,
    `echo "${mark}e 0" >&2`,
  ];
  return [
    `LC_ALL=C; PATH=${TOOL_PATH}; export LC_ALL PATH`,
    'umask 077; cd /; d=; why=; s=0',
    // mkdir takes no name that is there already, nor a link.
    `for p in ${FOLDERS.join(' ')}; do if [ -d "$p" ]; then why=\`mkdir "$p/${folder}" 2>&1\` && d=$p/${folder} && break; fi; done`,
    `if [ -z "$d" ]; then cat >/dev/null; s=${NO_FOLDER}; else why=\`cat 2>&1 >"$d/${NAME}"\`; set -- \`ls -ln "$d/${NAME}"\``,
    `if [ "$5" != ${size} ]; then s=${NOT_WHOLE}; else (trap '' 1; exec /bin/sh "$d/${NAME}" ${shQuoteAll(words)} </dev/null >"$d/out" 2>"$d/err"); s=$?; fi; fi`,
    ...answer,
  ].join('; ');
}
