import { failure } from '../../src/errors.ts';
import { say } from '../../src/ui/output.ts';
import { MACHINE_NEEDS } from '../machine/virtual-machine.ts';
import type { Lab, OptionValues, Part, Shown } from '../part.ts';
import type { TrialRecord, TrialRow } from '../trial/record.ts';
import { trialTable } from '../trial/table.ts';
import { runTrial, TRIAL_NEEDS } from '../trial/trial.ts';
import { makeLegacyTree } from './tree.ts';

const SECONDS = 15;

/** A kernel that the user has, with the driver that it was shipped with, and with the one that mptfix patched. */
export const legacyPart: Part = {
  title: 'legacy: a path failure with a kernel of 2.6, as it was shipped and as mptfix patched it',
  needs: [...MACHINE_NEEDS, ...TRIAL_NEEDS],
  onlyByName: true,
  options: {
    kernel: { type: 'string' },
    modules: { type: 'string' },
    driver: { type: 'string' },
    busybox: { type: 'string' },
  },
  run,
};

async function run(lab: Lab, options: OptionValues): Promise<Shown> {
  const vmlinuz = required(options, 'kernel');
  const modules = required(options, 'modules');
  const driver = required(options, 'driver');
  const busybox = required(options, 'busybox', BUSYBOX);
  const { workspace, signal } = lab;
  const { machine } = workspace;
  const tree = await makeLegacyTree(machine, workspace.at('legacy'), { modules, driver });
  const trial = (which: TrialRow['driver'], file?: string): Promise<TrialRecord> => {
    say(`booting ${tree.release} with the ${which} driver; BUSY for ${SECONDS} s`);
    const row = {
      kernel: tree.release,
      fileSystem: 'ext3',
      driver: which,
      failure: 'busy',
      seconds: SECONDS,
    };
    return runTrial(
      { machine, folder: workspace.at(`${which}-legacy`), signal },
      {
        row: row as TrialRow,
        guest: tree.guest,
        release: tree.release,
        packageVersion: 'the user’s own',
        vmlinuz,
        driver: file,
        busybox,
        parameters: PARAMETERS,
      },
    );
  };
  const trials = [await trial('affected'), await trial('patched', driver)];
  return {
    page: page(trials),
    asExpected: trials.every(({ problems }) => problems.length === 0),
  };
}

/** A kernel of 2.6 knows no negative `panic`: it would stand still for ever. */
const PARAMETERS = 'panic=1';

/** glibc asks for Linux 3.2: neither a program that is linked to it nor a static one runs on 2.6. */
const BUSYBOX =
  'this machine’s busybox does not run on Linux 2.6: give a static one that is built with musl, such as Alpine’s busybox-static';

function required(
  options: OptionValues,
  name: string,
  next = 'npm run lab -- legacy --kernel FILE --modules DIR --driver FILE --busybox FILE; docs/lab.md says where they are',
): string {
  const value = options[name];
  if (typeof value === 'string') return value;
  throw failure('E_USAGE', `legacy needs --${name}`, next);
}

function page(trials: readonly TrialRecord[]): string {
  return [
    '',
    `${trials[0]?.kernel}, mptsas on QEMU’s SAS1068, ext3 with errors=remount-ro, a write and fsync a second; after write 5 the`,
    `disk answers BUSY for ${SECONDS} s. The affected driver is the kernel's own.`,
    '',
    ...trialTable(trials),
    '',
  ].join('\n');
}
