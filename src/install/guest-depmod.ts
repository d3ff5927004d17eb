import { failure } from '../errors.ts';
import { indexedFiles, nameOfFile } from '../guest/index/forms.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER, makeFolders, seenInside } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { requireRelease } from '../names.ts';
import { typedForGuest } from '../typed.ts';

/** Links in a kernel's folder that lead to its headers and source. */
const NO_MODULES: readonly string[] = ['build', 'source'];

/** The slowest of old machines' depmods took a minute. */
const LIMIT_MS = 10 * 60_000;

export interface GuestDepmodJob {
  readonly release: string;
  /** Every file that a depmod writes. */
  readonly outputs: readonly string[];
  /** A folder of the guest that is made and removed. */
  readonly scratch: string;
}

/**
 * Rebuilds the module index by the guest's own depmod. That sees its tree read-only, so it indexes a folder of links to all
 * that holds modules, in its work folder, and what it has written there is moved to its place. Given `-b` it leaves the name
 * of that folder out of each path, so the index is what it would be in its place. Tried with module-init-tools 3.3-pre2,
 * 3.3-pre11, 3.4, 3.5, 3.6 and 3.12.
 *
 * Throws E_INSTALL where it fails or loses a module that the old index has; and as `RunOptions.inside` has it.
 */
export async function runGuestDepmod(
  target: Target,
  { release, outputs, scratch }: GuestDepmodJob,
): Promise<void> {
  const folder = `${MODULES_FOLDER}/${requireRelease(release)}`;
  const place = `${scratch}${folder}`;
  await target.removeTree(scratch);
  try {
    await makeFolders(target, place, 0o700);
    for (const name of await target.list(folder)) {
      if (NO_MODULES.includes(name)) continue;
      const isFolder = (await target.stat(`${folder}/${name}`))?.type === 'directory';
      if (isFolder || /\.ko(?:\.|$)/.test(name)) await target.link(`${place}/${name}`, `${folder}/${name}`);
    }
    const argv = ['depmod', '-b', seenInside(target, scratch), release] as const;
    const { status, stderr } = await target.run(argv, {
      effect: 'write',
      inside: { work: scratch },
      timeoutMs: LIMIT_MS,
    });
    if (status !== 0) throw failed(complaint(stderr) ?? `exit status ${status}`, release);
    const lost = await lostModule(target, folder, place);
    if (lost !== undefined) throw failed(`its index has no ${lost}`, release);
    for (const path of outputs) await moveIn(target, `${scratch}${path}`, path);
  } finally {
    await target.removeTree(scratch);
  }
}

/** Old and new depmods mark what ended them, after what they only warn of. */
function complaint(stderr: string): string | undefined {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /\b(?:FATAL|ERROR): /.test(line)) ?? lines.at(-1);
}

function failed(why: string, release: string): Error {
  return failure(
    'E_INSTALL',
    `the guest’s depmod failed: ${why}`,
    `see what ${typedForGuest(['depmod', '-a', '-n', release])} prints`,
  );
}

/** A module that the old index lists and the new one does not, though its file is there: no link may hide any. */
async function lostModule(target: Target, before: string, after: string): Promise<string | undefined> {
  const listed = async (folder: string) =>
    indexedFiles((await target.readText(`${folder}/modules.dep`, LIMITS.moduleIndexBytes)) ?? '');
  const now = new Set([...(await listed(after))].map(nameOfFile));
  for (const file of await listed(before)) {
    const whole = file.startsWith('/') ? file : `${before}/${file}`;
    if (!now.has(nameOfFile(file)) && (await target.stat(whole)) !== undefined) return file;
  }
  return undefined;
}

async function moveIn(target: Target, from: string, to: string): Promise<void> {
  // Root's programs of the guest made it: a link would name any other file.
  if ((await target.lstat(from))?.type !== 'file') return;
  const isThere = (await target.stat(to)) !== undefined;
  await target.write(
    to,
    await target.read(from, LIMITS.indexBytes),
    isThere ? { like: to } : { mode: 0o644 },
  );
}
