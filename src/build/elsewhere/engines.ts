import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import type { Argv } from '../../machine/program.ts';
import type { Progress } from '../../progress.ts';
import type { Workspace } from '../../work/workspace.ts';

/** A program that builds a Dockerfile. */
interface Engine {
  readonly name: 'docker' | 'podman' | 'buildah';
  /** Ends with 0 where it could build now: docker's client is often there without its daemon. */
  readonly probe: Argv;
  /** Up to the options that all three spell alike. */
  readonly build: Argv;
  readonly source: string;
}

/** In the order in which they are asked. */
export const ENGINES: readonly Engine[] = [
  {
    name: 'docker',
    probe: ['docker', 'version', '--format', '{{.Server.Version}}'],
    build: ['docker', 'build', '--quiet'],
    source:
      'docker build --help of 23: --output needs BuildKit, the builder since then; `docker version` asks the daemon',
  },
  {
    name: 'podman',
    probe: ['podman', 'info', '--format', '{{.Host.Arch}}'],
    build: ['podman', 'build', '--layers=false'],
    source: 'podman-build(1) of 4.1 and later: --output',
  },
  {
    name: 'buildah',
    probe: ['buildah', 'info'],
    build: ['buildah', 'build', '--layers=false'],
    source: 'buildah-build(1) of 1.26 and later: --output',
  },
];

/** What of the environment that mptfix keeps (cli/environment.ts) an engine needs to find its settings and its storage. */
const PASSED = ['HOME', 'XDG_RUNTIME_DIR', 'BUILDAH_ISOLATION'] as const;

function environment(): Record<string, string> {
  const given = PASSED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(given), DOCKER_BUILDKIT: '1' };
}

/** The engine that works here, the first of the table. Throws E_TOOLS_MISSING where none does, with what each one said. */
export async function requireEngine(machine: Pick<Target, 'findProgram' | 'run'>): Promise<Engine> {
  const reasons: string[] = [];
  for (const engine of ENGINES) {
    if ((await machine.findProgram(engine.name)) === undefined) {
      reasons.push(`${engine.name} is not installed`);
      continue;
    }
    const { status, stderr } = await machine.run(engine.probe, {
      effect: 'read',
      env: environment(),
      timeoutMs: 60_000,
    });
    if (status === 0) return engine;
    reasons.push(`${engine.name} does not work (${stderr.trim().split('\n')[0] || `status ${status}`})`);
  }
  throw failure(
    'E_TOOLS_MISSING',
    `no container engine can be used here: ${reasons.join('; ')}`,
    'install buildah, podman or docker, or start docker’s daemon; or unpack the image and give --toolchain the folder',
  );
}

interface EngineRun {
  readonly image: string;
  /** The folder with the job and its Dockerfile. */
  readonly job: string;
  /** A new folder for the results. */
  readonly results: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** The words by which an engine compiles a job: no network, and no image is fetched by its tag where one is here. */
export function engineWords(
  { build }: Pick<Engine, 'build'>,
  { image, job, results }: Pick<EngineRun, 'image' | 'job' | 'results'>,
): Argv {
  return [
    ...build,
    '--network=none',
    `--build-arg=TOOLCHAIN_IMAGE=${image}`,
    // The value is a list of NAME=VALUE between commas, so the work folder must have none; mptfix names it itself.
    `--output=type=local,dest=${results}`,
    `--file=${job}/Dockerfile`,
    job,
  ];
}

/** Runs the job in the image. Throws E_IMAGE with the last line that the engine said, and its log's path. */
export async function compileWithEngine(
  run: EngineRun,
  workspace: Pick<Workspace, 'machine' | 'keepLog'>,
): Promise<void> {
  const { machine } = workspace;
  const { image, signal, progress } = run;
  const engine = await requireEngine(machine);
  const lines: string[] = [];
  const { status } = await machine.run(engineWords(engine, run), {
    effect: 'write',
    env: environment(),
    signal,
    onLine: (line) => {
      lines.push(line);
      if (line.trim() !== '') progress.note(line.trim());
    },
  });
  signal.throwIfAborted();
  if (status === 0) return;
  const last = lines.findLast((line) => line.trim() !== '')?.trim() ?? `it ended with status ${status}`;
  throw failure(
    'E_IMAGE',
    `${engine.name} cannot compile in the image ${image}: ${last}`,
    `check that ${engine.name} has the image, and that it has sh, make and the kernel’s gcc; or unpack it and give --toolchain the folder`,
    { log: await workspace.keepLog('image', `${lines.join('\n')}\n`) },
  );
}
