import { say } from '../../src/ui/output.ts';
import { MACHINE_NEEDS } from '../machine/virtual-machine.ts';
import type { Demo, Lab, Part, Shown } from '../part.ts';
import { runTrial, type Trial, type TrialSettings } from './trial.ts';

const SETTINGS = { writes: 40, busyAfter: 5, busySeconds: 15, limitSeconds: 300 };

/** A disk that answers BUSY for a while: first with the affected driver, then with the one that mptfix patched. */
export const failurePart: Part = {
  title: 'failure: a path failure with the affected driver, and with the patched one',
  needs: [
    ...MACHINE_NEEDS,
    ['tgtd', 'tgt'],
    ['mkfs.ext4', 'e2fsprogs'],
    // QEMU's iSCSI driver, which is a package of its own in Debian.
    ['/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so', 'qemu-block-extra'],
  ],
  run,
};

async function run(lab: Lab): Promise<Shown> {
  const { workspace, signal } = lab;
  const demo = await lab.demo();
  say('building the patched driver: mptfix build');
  const patched = await patchedDriver(lab, demo);
  const guest: Omit<TrialSettings, 'driver'> = {
    guest: demo.guest,
    release: demo.kernel.release,
    ...SETTINGS,
  };
  say(`booting the affected driver; BUSY for ${SETTINGS.busySeconds} s`);
  const affected = await runTrial(workspace.machine, workspace.at('affected-vm'), guest, signal);
  say(`booting the patched driver; BUSY for ${SETTINGS.busySeconds} s`);
  const repaired = await runTrial(
    workspace.machine,
    workspace.at('patched-vm'),
    { ...guest, driver: patched },
    signal,
  );
  return { page: page(demo, affected, repaired), asExpected: isFailed(affected) && survived(repaired) };
}

async function patchedDriver(lab: Lab, demo: Demo): Promise<string> {
  const argv = ['build', '--root', demo.guest, '--source', demo.source, '--no-cache', '--json'];
  const out = await lab.mptfix([...argv, '--output', lab.workspace.at('output')]);
  const { module } = JSON.parse(out) as { module: { file: string } };
  return module.file;
}

function isFailed(trial: Trial): boolean {
  const failed = trial.readOnly && trial.lost > 0 && trial.ioErrors > 0;
  return trial.ended && trial.failed.length === 0 && failed && watchesNoticed(trial, 10, 1);
}

/** Both watches reported no problem before, and the right one afterwards: a kernel of 6.1 leaves `rw` in the mount table. */
function watchesNoticed({ watches }: Trial, node: number, sh: number): boolean {
  const { before, after, 'sh-before': shBefore, 'sh-after': shAfter } = watches;
  return before === 0 && shBefore === 0 && after === node && shAfter === sh;
}

function survived(trial: Trial): boolean {
  const { ended, failed, written, lost, ioErrors, readOnly } = trial;
  const isWhole = written === SETTINGS.writes && lost + ioErrors === 0 && !readOnly;
  return ended && failed.length === 0 && isWhole && watchesNoticed(trial, 0, 0);
}

function page(demo: Demo, affected: Trial, repaired: Trial): string {
  const row = (name: string, trial: Trial): string =>
    `| ${name} | ${trial.srcversion} | ${trial.busyAnswers} | ${trial.written} of ${SETTINGS.writes} | ${trial.ioErrors} | ${trial.readOnly ? 'read-only' : 'read-write'} | ${trial.watches.after} / ${trial.watches['sh-after']} | ${trial.seconds.toFixed(0)} s |`;
  return [
    '',
    `${affected.kernel} (${demo.kernel.packageVersion}), mptsas on QEMU’s SAS1068, ext4 with errors=remount-ro, a write and`,
    `fsync a second; after write ${SETTINGS.busyAfter} the disk answers BUSY for ${SETTINGS.busySeconds} s. The distro’s kernel is fixed: the affected driver is`,
    'built from a copy of its source with the branch reintroduced.',
    '',
    '| driver | srcversion | BUSY answers | writes done | I/O errors | file system | watch once / sh | run |',
    '|---|---|---|---|---|---|---|---|',
    row('affected', affected),
    row('patched by mptfix', repaired),
    '',
    `After the failure the mount table said: ${affected.mountLine}`,
    '',
  ].join('\n');
}
