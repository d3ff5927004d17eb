import { failure } from '../../errors.ts';
import { readDistro } from '../../guest/distro.ts';
import { installCommand } from '../../machine/installers.ts';
import { missingTools, packagesOf, TOOLS, type Tool } from '../../machine/tools.ts';
import { localTarget } from '../../machine/tree.ts';
import { say } from '../../ui/output.ts';

/** What a build needs beside the compiler that the kernel names, which is known only later. */
const BUILD_TOOLS: readonly Tool[] = [
  TOOLS.bubblewrap,
  TOOLS.make,
  TOOLS.strip,
  TOOLS.xz,
  TOOLS.gzip,
  TOOLS.bzip2,
  TOOLS.depmod,
  TOOLS.flock,
];

/**
 * Installs build tools that this machine lacks, through its own apt; does nothing where all are there.
 * Throws E_TOOLS_MISSING with the command where it may not or cannot.
 */
export async function installMissingTools(signal: AbortSignal, extra: readonly Tool[] = []): Promise<void> {
  const machine = localTarget({ dryRun: false });
  const missing = await missingTools(machine, [...BUILD_TOOLS, ...extra]);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  const isApt = (await readDistro(machine)).family === 'debian';
  if (!isApt || process.geteuid?.() !== 0) {
    throw failure(
      'E_TOOLS_MISSING',
      `not installed on this machine: ${names}`,
      await installCommand(missing),
    );
  }
  say(`installing missing build tools: ${names}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const options = { effect: 'write', mayOutlive: true, env, signal } as const;
  // The lists of a fresh machine are empty; one dead archive of many is no reason to stop.
  await machine.run(['apt-get', '-q', 'update'], options);
  const install = ['apt-get', '-q', 'install', '--yes', '--no-install-recommends'] as const;
  const result = await machine.run([...install, ...packagesOf(missing)], options);
  signal.throwIfAborted();
  if (result.status === 0) return;
  const why =
    result.stderr.split('\n').find((line) => line.startsWith('E: ')) ?? `exit status ${result.status}`;
  throw failure('E_TOOLS_MISSING', `${names} could not be installed: ${why}`, await installCommand(missing));
}
