import { ARCHITECTURES } from '../../src/architectures.ts';
import { openApt } from '../../src/kernel-source/apt/apt.ts';
import { unpackDeb } from '../../src/kernel-source/apt/packages.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { openWorkspace } from '../../src/work/workspace.ts';
import type { Lab } from '../part.ts';
import type { LabKernel } from './table.ts';

/**
 * Puts a static busybox of the kernel's architecture at `to`, from this machine's archives by a private apt. `work` is a
 * folder that is removed later. Throws where the archives have none.
 */
export async function fetchBusybox(
  lab: Lab,
  { architecture }: LabKernel,
  { work, to }: { readonly work: string; readonly to: string },
): Promise<void> {
  const workspace = await openWorkspace(work);
  try {
    const debian = ARCHITECTURES.find(({ name }) => name === architecture)?.debian;
    const apt = await openApt(workspace, localTarget({ dryRun: true }), {
      architecture: debian,
      signal: lab.signal,
    });
    const [newest] = await apt.show('busybox-static');
    if (newest === undefined) throw new Error(`the archives have no busybox-static of ${debian}`);
    const [deb = ''] = await apt.download([newest], silentProgress);
    const tree = await workspace.userFolder('busybox');
    await unpackDeb(workspace, deb, tree, lab.signal);
    const { stdout } = await workspace.machine.run(
      ['find', tree, '-type', 'f', '-name', 'busybox', '-path', '*/bin/*'],
      { effect: 'read' },
    );
    const [program = ''] = stdout.toString('utf8').split('\n');
    await mustRun(workspace.machine, ['install', '-m', '0755', '--', program, to]);
  } finally {
    await workspace.dispose();
  }
}
