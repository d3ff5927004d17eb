import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isCode } from '../../machine/file-errors.ts';
import type { ProbeResult } from '../probe.ts';

/**
 * The part of the watch that runs in a process of its own, started by `startWorker`. Here no port is in between: each
 * of these calls may never come back.
 */
export async function runWorker([name, program]: readonly string[]): Promise<number> {
  if (name === 'probe') return probePlaces(JSON.parse(await text(process.stdin)));
  if (name === 'sendmail') return pipeToSendmail(program);
  return 2;
}

async function probePlaces(places: readonly string[]): Promise<number> {
  await Promise.all(
    places.map(async (mountPoint) => {
      const outcome = await writeProbe(mountPoint);
      const result: ProbeResult = { mountPoint, outcome, detail: DETAIL(outcome) };
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }),
  );
  return 0;
}

const DETAIL = (outcome: string): string =>
  outcome === 'ok' ? 'a file was written, synced and removed' : `writing a file failed: ${outcome}`;

const PROBE_NAME = /^\.mptfix-probe-[0-9a-f]{24}$/;

/** Makes a file that was not there, under a name that nobody can guess, and takes it away again. */
async function writeProbe(mountPoint: string): Promise<string> {
  const path = join(mountPoint, `.mptfix-probe-${randomBytes(12).toString('hex')}`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.write('mptfix watch\n');
      await file.sync();
    } finally {
      await file.close().catch(() => {});
      await unlink(path);
    }
    await removeLeftovers(mountPoint);
    return 'ok';
  } catch (error) {
    return codeOf(error);
  }
}

/** A probe that was killed while its disk hung leaves its file when the disk is back. */
async function removeLeftovers(mountPoint: string): Promise<void> {
  const names = await readdir(mountPoint).catch(() => []);
  for (const name of names.filter((one) => PROBE_NAME.test(one)))
    await unlink(join(mountPoint, name)).catch(() => {});
}

function codeOf(error: unknown): string {
  for (const code of ['EROFS', 'EIO']) if (isCode(error, code)) return code;
  return error instanceof Error && 'code' in error ? String(error.code) : 'EUNKNOWN';
}

/** The message from standard input to `sendmail -t`; `-i`: a line with a single dot does not end it. */
async function pipeToSendmail(path = '/usr/sbin/sendmail'): Promise<number> {
  const child = spawn(path, ['-t', '-i'], { stdio: ['inherit', 'ignore', 'pipe'] });
  child.stderr.on('data', (chunk: Buffer) => process.stdout.write(chunk));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stdout.write(error.message);
      resolve(127);
    });
    child.on('close', (status) => resolve(status ?? 128));
  });
}
