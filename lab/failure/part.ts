import { say } from '../../src/ui/output.ts';
import { MACHINE_NEEDS } from '../machine/virtual-machine.ts';
import type { Demo, Lab, Part, Shown } from '../part.ts';
import type { TrialRecord, TrialRow } from '../trial/record.ts';
import { trialTable } from '../trial/table.ts';
import { runTrial, TRIAL_NEEDS } from '../trial/trial.ts';

const SECONDS = 15;

/** A disk that answers BUSY for a while: first with the affected driver, then with the one that mptfix patched. */
export const failurePart: Part = {
  title: 'failure: a path failure with the affected driver, and with the patched one',
  needs: [...MACHINE_NEEDS, ...TRIAL_NEEDS],
  run,
};

async function run(lab: Lab): Promise<Shown> {
  const demo = await lab.demo();
  say('building the patched driver: mptfix build');
  const patched = await patchedDriver(lab, demo);
  const trial = (driver: TrialRow['driver'], file?: string): Promise<TrialRecord> => {
    say(`booting the ${driver} driver; BUSY for ${SECONDS} s`);
    const { release, packageVersion } = demo.kernel;
    const row = { kernel: release, fileSystem: 'ext4', driver, failure: 'busy', seconds: SECONDS } as const;
    return runTrial(
      { machine: lab.workspace.machine, folder: lab.workspace.at(`${driver}-vm`), signal: lab.signal },
      { row, guest: demo.guest, release, packageVersion, driver: file },
    );
  };
  const trials = [await trial('affected'), await trial('patched', patched)];
  return {
    page: page(demo, trials),
    asExpected: trials.every(({ problems }) => problems.length === 0),
  };
}

async function patchedDriver(lab: Lab, demo: Demo): Promise<string> {
  const argv = ['build', '--root', demo.guest, '--source', demo.source, '--no-cache', '--json'];
  const out = await lab.mptfix([...argv, '--output', lab.workspace.at('output')]);
  const { module } = JSON.parse(out) as { module: { file: string } };
  return module.file;
}

function page(demo: Demo, trials: readonly TrialRecord[]): string {
  return [
    '',
    `${demo.kernel.release} (${demo.kernel.packageVersion}), mptsas on QEMU’s SAS1068, ext4 with errors=remount-ro, a write and`,
    `fsync a second; after write 5 the disk answers BUSY for ${SECONDS} s. The distro’s kernel is fixed: the affected driver is`,
    'built from a copy of its source with the branch reintroduced.',
    '',
    ...trialTable(trials),
    '',
  ].join('\n');
}
