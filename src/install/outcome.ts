import { type ErrorCode, failure, isFailure } from '../errors.ts';
import type { IndexTools } from '../guest/index/tools.ts';
import { isModuleFile, modulePaths } from '../guest/module-file.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER, toolPath } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { readIndexAs, requireIndexTools } from './indexing.ts';
import type { Placement } from './placements.ts';

const SEES = { effect: 'read', sees: 'guest', timeoutMs: 60_000 } as const;

export interface Outcome {
  readonly release: string;
  readonly name: string;
  /** Where the new module lies. */
  readonly path: string;
  readonly sha256: string;
  readonly placement: Placement;
  /** A folder of the guest that is made and removed, where its modprobe may work. */
  readonly scratch: string;
}

/**
 * What the guest would now load under that name must be our file: modules.dep names it once and no other; read as the
 * guest's own modprobe reads it, the index leads to it and to all that it needs; modprobe itself agrees; and in place it is
 * the only file of that name in the tree. Answers what was seen, and what could not be looked at, in words.
 * Throws E_INSTALL; E_INDEX where it cannot be told which modprobe the guest has.
 */
export async function proveOutcome(target: Target, outcome: Outcome): Promise<readonly string[]> {
  const tools = await requireIndexTools(target, outcome.release);
  return [
    await proveFile(target, outcome),
    await proveIndex(target, outcome),
    await proveReading(target, tools, outcome),
    await proveCandidates(target, outcome),
    // The machine's is kmod's: of old tools' indexes it reads other files than theirs does.
    ...(tools.form.isOurs ? await proveModprobe(target, outcome) : []),
    ...(!traitsOf(target).isRunning || !tools.form.isOurs
      ? [await proveGuestModprobe(target, tools, outcome)]
      : []),
  ];
}

async function proveReading(
  target: Target,
  tools: IndexTools,
  { release, name, path }: Outcome,
): Promise<string> {
  const answer = await readIndexAs(tools, target, release, name);
  if ('problem' in answer)
    throw wrong(`the guest’s modprobe (${tools.evidence}) cannot use the index: ${answer.problem}`);
  if (!(await sameFile(target, answer.file, path)))
    throw wrong(
      `the guest’s modprobe (${tools.evidence}) would open ${answer.file} for ${name}, not ${path}`,
    );
  const needs = answer.needs.length === 0 ? '' : `, and ${answer.needs.length} that it needs`;
  return `read as ${tools.name} reads it, the index leads to ${path}${needs}`;
}

/** The guest's own modprobe, where it runs here. It loads nothing; of old ones these options are the only ones to say so. */
async function proveGuestModprobe(
  target: Target,
  { form }: IndexTools,
  { release, name, path, scratch }: Outcome,
): Promise<string> {
  const notAsked = (why: string): string => `the guest’s own modprobe was not asked: ${why}`;
  if (form.family === 'modutils')
    return notAsked('that of modutils knows no other kernel than the running one');
  if ((await target.findInside('modprobe')) === undefined) return notAsked('it has none');
  const argv = ['modprobe', '--show-depends', '--ignore-install', '--set-version', release, name] as const;
  await target.removeTree(scratch);
  try {
    await target.mkdir(scratch, 0o700);
    const result = await target.run(argv, { effect: 'write', inside: { work: scratch }, timeoutMs: 60_000 });
    const loads = loadsOf(result.stdout, name);
    const [only] = loads;
    const words = result.stderr.trim().split('\n')[0] ?? '';
    if (
      result.status === 0 &&
      loads.length === 1 &&
      only !== undefined &&
      (await sameFile(target, only, path))
    )
      return `the guest’s own modprobe would load ${path}`;
    // As shells and the dynamic linker end where a program could not begin.
    if (result.status >= 126) return notAsked(words || `it ended with status ${result.status}`);
    throw wrong(
      `the guest’s own modprobe would load ${loads.join(', ') || 'nothing'} for ${name}, not ${path} (${words})`,
    );
  } catch (error) {
    if (isFailure(error) && CANNOT_RUN.has(error.failure.code)) return notAsked(error.failure.what);
    throw error;
  } finally {
    await target.removeTree(scratch);
  }
}

/** Why a program of the guest does not run here. */
export const CANNOT_RUN: ReadonlySet<ErrorCode> = new Set([
  'E_NOT_ROOT',
  'E_TOOLS_MISSING',
  'E_SANDBOX',
  'E_ARCH_UNSUPPORTED',
]);

/** The files of that name which `modprobe --show-depends` says it would load. */
function loadsOf(stdout: Buffer, name: string): readonly string[] {
  const files = stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []);
  return files.filter((file) => isModuleFile(file.slice(file.lastIndexOf('/') + 1), name));
}

async function proveFile(target: Target, { path, sha256 }: Outcome): Promise<string> {
  const found =
    (await target.stat(path))?.type === 'file' ? await target.hash(path, LIMITS.imageBytes) : 'no file';
  if (found === sha256) return `${path} has sha256 ${sha256}`;
  throw wrong(`${path} has ${found}, not the module that was installed`);
}

async function proveIndex(target: Target, { release, name, path }: Outcome): Promise<string> {
  const text = (await target.readText(`${MODULES_FOLDER}/${release}/modules.dep`, LIMITS.indexBytes)) ?? '';
  const paths = modulePaths(text, release, name);
  const [only] = paths;
  if (paths.length === 1 && only !== undefined && (await sameFile(target, only, path)))
    return `modules.dep names ${path} and no other for ${name}`;
  throw wrong(`modules.dep gives ${paths.join(', ') || 'nothing'} for ${name}, not ${path}`);
}

/** A second file of the name may win after the next depmod, whatever this one said. */
async function proveCandidates(target: Target, { release, name, path, placement }: Outcome): Promise<string> {
  const folder = await toolPath(target, `${MODULES_FOLDER}/${release}`);
  const argv = ['find', folder, '-type', 'f', '-name', `${name}.*`, '-printf', '%P\\n'] as const;
  const { status, stdout, stderr } = await target.run(argv, SEES);
  if (status !== 0) throw wrong(`the module tree cannot be searched: ${stderr.trim()}`);
  const files = stdout
    .toString('utf8')
    .split('\n')
    .filter((file) => isModuleFile(file.slice(file.lastIndexOf('/') + 1), name));
  const others = [];
  for (const file of files) {
    const whole = `${MODULES_FOLDER}/${release}/${file}`;
    if (!(await sameFile(target, whole, path))) others.push(whole);
  }
  if (others.length === 0) return `it is the only ${name} of ${release}`;
  // The package's own file stays there; depmod's search order prefers updates/.
  if (placement === 'updates' && others.length === 1) return `it takes precedence over ${others[0]}`;
  throw wrong(`there are other files of that name: ${others.join(', ')}`);
}

/** `modprobe --show-depends` loads nothing; the guest's own configuration counts, not this machine's. */
async function proveModprobe(target: Target, { release, name, path }: Outcome): Promise<readonly string[]> {
  if ((await target.findProgram('modprobe')) === undefined) return [];
  const configuration = await toolPath(target, '/etc/modprobe.d');
  const isThere = (await target.stat('/etc/modprobe.d'))?.type === 'directory';
  const argv = [
    'modprobe',
    '--show-depends',
    '--ignore-install',
    ...['-C', isThere ? configuration : '/dev/null'],
    ...['-d', target.toolRoot],
    ...['-S', release],
    ...['--', name],
  ] as const;
  const { status, stdout, stderr } = await target.run(argv as readonly [string, ...string[]], SEES);
  const loads = loadsOf(stdout, name);
  const [only] = loads;
  const real = await toolPath(target, path);
  const isOurs = only !== undefined && (await realToolPath(target, only)) === real;
  if (status === 0 && loads.length === 1 && isOurs) return [`modprobe would load ${path}`];
  throw wrong(
    `modprobe would load ${loads.join(', ') || 'nothing'} for ${name}, not ${path}${stderr === '' ? '' : ` (${stderr.trim().split('\n')[0]})`}`,
  );
}

export async function sameFile(target: Target, one: string, other: string): Promise<boolean> {
  return (await target.hostPath(one)) === (await target.hostPath(other));
}

async function realToolPath(target: Target, path: string): Promise<string> {
  const { stdout } = await target.run(['readlink', '-f', '--', path], SEES);
  return stdout.toString('utf8').trim();
}

/** The error of an installation after which the guest would load something else. */
export function wrong(what: string): Error {
  return failure(
    'E_INSTALL',
    `after the installation ${what}`,
    'another copy of the module takes precedence (updates/, extra/, weak-updates/): remove it or its package',
  );
}
