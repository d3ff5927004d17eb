import { failure } from '../../errors.ts';
import type { Argv } from '../../machine/program.ts';
import type { Progress } from '../../progress.ts';
import type { Workspace } from '../../work/workspace.ts';
import { engineEnvironment, type FoundImage, requireImage } from './engines.ts';

interface EngineRun {
  readonly image: string;
  /** The folder with the job and its Dockerfile. */
  readonly job: string;
  /** A new folder for the results. */
  readonly results: string;
  /** A new folder for what the engine makes meanwhile. */
  readonly storage: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/**
 * A folder of memory that every Linux has. podman keeps its locks there, and takes no state folder (`--runroot`) of more
 * than 50 characters: it gets a folder of its own at this place, which goes with its mount namespace.
 */
const MEMORY = '/dev/shm';

/**
 * Root's programs are on a leash that is a PID namespace, and runc looks for its processes in the /proc of that. Other users
 * have no such leash, and may not mount it.
 */
const PROC = 'mount -t proc proc /proc';

/**
 * The words by which an engine compiles a job, without a network. podman and buildah get a store of their own, and see
 * the user's images read-only beside it: whatever they make, and however they end, nothing of it is left in the user's
 * store. What they mount goes with their mount namespace.
 */
export function engineWords(
  { engine, from, store }: FoundImage,
  { job, results, storage }: Pick<EngineRun, 'job' | 'results' | 'storage'>,
  isRoot: boolean,
): Argv {
  const { name, build } = engine;
  const words = [
    ...build,
    // With this isolation they know no other network than that of their own process, which has none here.
    ...(store !== undefined && process.env.BUILDAH_ISOLATION === 'chroot' ? [] : ['--network=none']),
    `--build-arg=TOOLCHAIN_IMAGE=${from}`,
    // The value is a list of NAME=VALUE between commas, so the work folder must have none; mptfix names it itself.
    `--output=type=local,dest=${results}`,
    `--file=${job}/Dockerfile`,
    job,
  ];
  if (store === undefined) return [name, ...words];
  const { driver, root, options } = store;
  const isHidden = [job, results, storage, root].some((path) => path.startsWith(`${MEMORY}/`));
  return [
    ...asRootOfItsOwn(name, isRoot),
    'unshare',
    '--mount',
    '--net',
    'sh',
    '-c',
    [...(isRoot ? [PROC] : []), ...(isHidden ? [] : [`mount -t tmpfs tmpfs ${MEMORY}`]), 'exec "$@"'].join(
      ' && ',
    ),
    'sh',
    name,
    `--root=${storage}/root`,
    `--runroot=${isHidden ? storage : MEMORY}/run`,
    `--storage-driver=${driver}`,
    ...[...options, `${driver}.imagestore=${root}`].map((option) => `--storage-opt=${option}`),
    ...words,
  ] as const as unknown as Argv;
}

/** Another user has the ids of a store's files, and may make namespaces, only in the engine's own user namespace. */
function asRootOfItsOwn(name: string, isRoot: boolean): readonly string[] {
  return isRoot ? [] : [name, 'unshare'];
}

/**
 * Runs the job in the image. Throws what `requireImage` throws, and E_IMAGE with what the script or the engine said last,
 * and its log's path.
 */
export async function compileInImage(
  run: EngineRun,
  workspace: Pick<Workspace, 'machine' | 'keepLog'>,
): Promise<void> {
  const { machine } = workspace;
  const { image, signal, progress, storage } = run;
  const found = await requireImage(machine, image);
  const { name } = found.engine;
  const isRoot = process.geteuid?.() === 0;
  const env = engineEnvironment();
  const lines: string[] = [];
  const options = { effect: 'write', env, signal } as const;
  const onLine = (line: string): void => {
    lines.push(line);
    if (line.trim() !== '') progress.note(line.trim());
  };
  const { status } = await machine.run(engineWords(found, run, isRoot), { ...options, onLine }).finally(() =>
    // Files in it may be of other ids. The work folder goes later, and would take what is left.
    machine.run([...asRootOfItsOwn(name, isRoot), 'rm', '-rf', storage] as unknown as Argv, {
      effect: 'write',
      env,
    }),
  );
  signal.throwIfAborted();
  if (status === 0) return;
  throw failure(
    'E_IMAGE',
    `${name} cannot compile in the image ${image}: ${lastWord(lines) ?? `it ended with status ${status}`}`,
    'check that the image has /bin/sh, cp, make and the kernel’s gcc; or unpack it and give --toolchain the folder',
    { log: await workspace.keepLog('image', `${lines.join('\n')}\n`) },
  );
}

/** What compile.sh said; the engine's own last line is only its status then. */
function lastWord(lines: readonly string[]): string | undefined {
  const words = lines.map((line) => line.trim()).filter((line) => line !== '');
  return words.findLast((line) => line.startsWith('compile.sh: ')) ?? words.at(-1);
}
