import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Gives a program its input in pieces as they come. One that reads no more is no error: its status tells. */
export function passInput(pieces: AsyncIterable<string>, stdin: Writable | null): void {
  const pass = async (): Promise<void> => {
    for await (const piece of pieces) {
      if (stdin === null || stdin.destroyed) return;
      if (!stdin.write(piece)) await once(stdin, 'drain');
    }
  };
  const end = (): void => void stdin?.end();
  pass().then(end, end);
}

type Child = Pick<ChildProcess, 'stdout' | 'stderr'> & { kill(): boolean };

/** Gives each line of both outputs as it comes, the last one also where nothing ends it. */
export function passLines(child: Child, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    // A chunk may end within a character, within CRLF, and the last one within a line.
    const decoder = new StringDecoder('utf8');
    let rest = '';
    const take = (text: string): void => {
      // A carriage return ends a line of a progress bar.
      const lines = (rest + text).split(/\r?\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    };
    stream?.on('data', (chunk: Buffer) => take(decoder.write(chunk)));
    stream?.on('end', () => {
      take(decoder.end());
      if (rest !== '') onLine(rest.replace(/\r$/, ''));
    });
  }
}

/** Gives stdout in chunks. True where the consumer had seen enough before the end. The rest is read and dropped. */
export async function passChunks(
  child: Child,
  onChunk: (chunk: Buffer) => boolean | Promise<boolean>,
): Promise<boolean> {
  if (child.stdout === null) return false;
  let enough = false;
  let problem: unknown;
  for await (const chunk of child.stdout) {
    if (enough) continue;
    try {
      enough = !(await onChunk(chunk as Buffer));
    } catch (error) {
      problem = error;
      enough = true;
    }
    if (enough) child.kill();
  }
  if (problem !== undefined) throw problem;
  return enough;
}
