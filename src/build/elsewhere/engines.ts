import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import type { Argv } from '../../machine/program.ts';
import { defined } from '../../optional.ts';
import { typedShell } from '../../typed.ts';

/** Where podman and buildah keep their images: what their `info` says. */
export interface ImageStore {
  readonly driver: string;
  readonly root: string;
  /** As `--storage-opt` takes them. */
  readonly options: readonly string[];
}

/** A program that builds a Dockerfile. */
export interface Engine {
  readonly name: 'docker' | 'podman' | 'buildah';
  /** Ends with 0 where it could build now: docker's client is often there without its daemon. */
  readonly probe: Argv;
  /** The store, of what the probe printed; docker's daemon shows its own to nobody. */
  readonly store?: (printed: string) => ImageStore;
  /** Prints the image's id and its architecture; fails where the image is not here. The name comes last. */
  readonly inspect: Argv;
  /** After the words that say which store is meant. */
  readonly build: readonly string[];
  readonly source: string;
}

/** In the order in which they are asked. */
export const ENGINES: readonly Engine[] = [
  {
    name: 'docker',
    probe: ['docker', 'version', '--format', '{{.Server.Version}}'],
    inspect: ['docker', 'image', 'inspect', '--format', '{{.Id}} {{.Architecture}}'],
    build: ['build', '--quiet'],
    source:
      'docker build --help of 23: --output needs BuildKit, the builder since then; `docker version` asks the daemon',
  },
  {
    name: 'podman',
    probe: ['podman', 'info', '--format', 'json'],
    store: (printed) => {
      const { graphDriverName, graphRoot, graphOptions } = JSON.parse(printed).store;
      return { driver: graphDriverName, root: graphRoot, options: storageOptions(graphOptions) };
    },
    inspect: ['podman', 'image', 'inspect', '--format', '{{.Id}} {{.Architecture}}'],
    build: ['build', '--layers=false', '--pull=never'],
    source: 'podman-build(1) of 4.1 and later: --output; podman-info(1)',
  },
  {
    name: 'buildah',
    probe: ['buildah', 'info'],
    store: (printed) => {
      const { GraphDriverName, GraphRoot, GraphOptions } = JSON.parse(printed).store;
      return { driver: GraphDriverName, root: GraphRoot, options: storageOptions(GraphOptions) };
    },
    inspect: [
      'buildah',
      'inspect',
      '--type',
      'image',
      '--format',
      '{{.FromImageID}} {{.OCIv1.Architecture}}',
    ],
    build: ['build', '--layers=false', '--pull=never'],
    source: 'buildah-build(1) of 1.26 and later: --output; buildah-info(1)',
  },
];

/** buildah prints a list of NAME=VALUE; podman an object, where a program's value has its path and version. */
function storageOptions(printed: unknown): readonly string[] {
  if (Array.isArray(printed)) return printed.map(String);
  return Object.entries(printed ?? {}).map(([name, value]) => {
    const isProgram = typeof value === 'object' && value !== null && 'Executable' in value;
    return `${name}=${isProgram ? value.Executable : value}`;
  });
}

/** What of the environment that mptfix keeps (cli/environment.ts) an engine needs to find its settings and its storage. */
const PASSED = ['HOME', 'XDG_RUNTIME_DIR', 'BUILDAH_ISOLATION'] as const;

/** The environment of every call of an engine. */
export function engineEnvironment(): Record<string, string> {
  const given = PASSED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(given), DOCKER_BUILDKIT: '1' };
}

/** An image that is here. */
export interface FoundImage {
  readonly engine: Engine;
  /** What a Dockerfile's FROM says: the id, so that no name leads to another image or to a registry; docker takes names only. */
  readonly from: string;
  readonly store?: ImageStore;
}

type Machine = Pick<Target, 'findProgram' | 'run'>;

/**
 * The first engine of the table that works and has the image. No image is ever fetched. Throws E_TOOLS_MISSING where no
 * engine works, with what each one said; E_IMAGE where none has the image, or it is of another architecture.
 */
export async function requireImage(machine: Machine, image: string): Promise<FoundImage> {
  const reasons: string[] = [];
  const working: Engine[] = [];
  for (const engine of ENGINES) {
    if ((await machine.findProgram(engine.name)) === undefined) {
      reasons.push(`${engine.name} is not installed`);
      continue;
    }
    const probed = await ask(machine, engine.probe);
    if (probed.status !== 0) {
      reasons.push(`${engine.name} does not work (${firstLine(probed.stderr) || `status ${probed.status}`})`);
      continue;
    }
    working.push(engine);
    const inspected = await ask(machine, [...engine.inspect, image]);
    if (inspected.status !== 0) continue;
    const [id = '', architecture = ''] = inspected.stdout.trim().split(' ');
    requireRunnable(image, architecture);
    const store = engine.store?.(probed.stdout);
    return { engine, from: store === undefined ? image : id, ...defined({ store }) };
  }
  throw working.length === 0 ? noEngine(reasons) : notHere(image, working);
}

async function ask(machine: Machine, argv: Argv) {
  const { status, stdout, stderr } = await machine.run(argv, {
    effect: 'read',
    env: engineEnvironment(),
    timeoutMs: 60_000,
  });
  return { status, stdout: stdout.toString('utf8'), stderr };
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

function noEngine(reasons: readonly string[]): Error {
  return failure(
    'E_TOOLS_MISSING',
    `no container engine can be used here: ${reasons.join('; ')}`,
    'install buildah, podman or docker, or start docker’s daemon; or unpack the image and give --toolchain the folder',
  );
}

function notHere(image: string, engines: readonly Engine[]): Error {
  const [first] = engines;
  const names = engines.map(({ name }) => name).join(' and ');
  return failure(
    'E_IMAGE',
    `${names} ${engines.length === 1 ? 'has' : 'have'} no image ${image}, and mptfix fetches none`,
    `${typedShell([first?.name ?? 'buildah', 'images'])} lists those that are here; fetch or import it first`,
  );
}

/** The names of Go, as the image's own description has them. An engine may run programs of x86 on another machine. */
const OF_GUESTS = ['amd64', '386'];
const MACHINE = { x64: 'amd64', arm64: 'arm64' } as const;

function requireRunnable(image: string, architecture: string): void {
  const own = Object.entries(MACHINE).find(([name]) => name === process.arch)?.[1];
  if (architecture === '' || architecture === own || OF_GUESTS.includes(architecture)) return;
  throw failure(
    'E_IMAGE',
    `the image ${image} is of ${architecture}, whose programs neither this machine nor the guest runs`,
    'give an image of amd64 or 386 with the kernel’s gcc',
  );
}
