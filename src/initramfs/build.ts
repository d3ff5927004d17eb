import { failure } from '../errors.ts';
import { seenInside } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { moduleName, requireRelease } from '../names.ts';
import type { InitramfsTool } from './tools.ts';

export interface InitramfsJob {
  readonly release: string;
  readonly tool: InitramfsTool;
  /** Path of the new image in the guest, in the folder of the one that it is for. The caller removes it. */
  readonly output: string;
  /** A folder of the guest, that the caller has made and removes: where the tool works. */
  readonly temporaryFolder: string;
  /** Names of modules that must be in it, where the tool takes such: those of the image that it is for. */
  readonly modules?: readonly string[];
  readonly signal?: AbortSignal;
  /** Each line of the tool as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface BuiltInitramfs {
  /** Bytes. */
  readonly size: number;
  /** All that the tool said. */
  readonly log: string;
}

/**
 * Makes an initramfs with the guest's own tool, in the guest, under another name than the one that is booted. When
 * it resolves, the disk has the image.
 *
 * Throws E_INITRAMFS_TOOL where the tool fails or leaves no image: with its first word on why, and all that it said
 * as the cause. E_NOT_ROOT, E_TOOLS_MISSING, E_SANDBOX and E_ARCH_UNSUPPORTED as `RunOptions.inside` has them.
 */
export async function buildInitramfs(target: Target, job: InitramfsJob): Promise<BuiltInitramfs> {
  const { release, tool, output, temporaryFolder, modules = [], signal, onLine } = job;
  const lines: string[] = [];
  const work = seenInside(target, temporaryFolder);
  // They are names of files in an image: what is no module's name would be another word to the tool, or an option.
  const known = modules.filter((name) => moduleName(name) !== undefined);
  const argv = tool.build({ release: requireRelease(release), output: `${work}/${BUILT}`, modules: known });
  const { status } = await target.run(argv, {
    effect: 'write',
    inside: { work: temporaryFolder },
    env: { TMPDIR: work },
    timeoutMs: TOOL_LIMIT_MS,
    onLine: (line) => {
      // A tool that has gone wrong may say the same for ever.
      if (lines.length < MAX_LINES) lines.push(line);
      onLine?.(line);
    },
    signal,
  });
  signal?.throwIfAborted();
  const log = `${lines.join('\n')}\n`;
  const built = `${temporaryFolder}/${BUILT}`;
  const image = await target.lstat(built);
  // Root's programs of the guest made it: a setuid bit on it is not one that this machine should keep.
  if (status === 0 && image?.type === 'file' && image.size > 0 && (image.mode & 0o6000) === 0) {
    await target.copy(built, output);
    return { size: image.size, log };
  }
  const why = status === 0 ? 'it wrote no image' : (firstError(lines) ?? `exit status ${status}`);
  throw failure(
    'E_INITRAMFS_TOOL',
    `the guest’s ${tool.program} could not build an initramfs for ${release}: ${why}`,
    `see what ${argv.join(' ')} prints in the guest; the current image was not touched`,
    { cause: new Error(log) },
  );
}

/** In the work folder: all else of the guest is shown to the tool read-only. */
const BUILT = 'mptfix-image';

/** The slowest seen took two minutes (xz of a large image, one core). */
const TOOL_LIMIT_MS = 30 * 60_000;

const MAX_LINES = 10_000;

/** How the tools mark what went wrong: `E: …` (initramfs-tools), `dracut[E]: …`, `dracut: FAILED: …`, and all others. */
const ERRORS = [
  /^E: /,
  /^dracut(-install)?(\[E\]| ?: (FAILED|ERROR))/,
  /\b(error|failed|cannot|no space|not found)\b/i,
];

function firstError(lines: readonly string[]): string | undefined {
  for (const pattern of ERRORS) {
    const line = lines.find((text) => pattern.test(text));
    if (line !== undefined) return line.trim();
  }
  return lines.findLast((line) => line.trim() !== '')?.trim();
}
