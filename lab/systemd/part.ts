import { mustRun } from '../../src/machine/tools.ts';
import { say } from '../../src/ui/output.ts';
import { failurePart } from '../failure/part.ts';
import type { Lab, Part, Shown } from '../part.ts';
import { makeTree } from './tree.ts';
import { runGuest, type SystemdTrial } from './trial.ts';

const SETTINGS = { writes: 40, busyAfter: 5, busySeconds: 15, limitSeconds: 900 };
/** The watch looks each minute; under emulation a run of it takes some seconds. */
const MAILED_WITHIN_SECONDS = 90;

/** A whole guest whose root disk fails: as shipped, with the watch installed; and after `mptfix apply`. */
export const systemdPart: Part = {
  title: 'systemd: a Debian guest whose root disk fails over, before and after mptfix apply',
  needs: [...failurePart.needs, ['mmdebstrap', 'mmdebstrap']],
  run,
};

async function run(lab: Lab): Promise<Shown> {
  const { workspace, signal } = lab;
  const { machine } = workspace;
  const demo = await lab.demo();
  const { release } = demo.kernel;
  say('building a Debian guest with systemd and the affected driver (half a minute)');
  const affected = workspace.at('affected-guest');
  await makeTree(machine, affected, demo, signal);
  const patched = workspace.at('patched-guest');
  await mustRun(machine, ['cp', '-a', affected, patched], { signal });
  say('patching a copy of it: mptfix apply');
  const headers = `${demo.guest}/usr/src/linux-headers-${release}`;
  const argv = ['apply', '--root', patched, '--source', demo.source, '--headers', headers, '--no-cache'];
  await lab.mptfix([...argv, '--yes', '--json']);
  const settings = { ...SETTINGS, release, signal };
  say('booting the guest as shipped (four minutes)');
  const before = await runGuest(machine, workspace.at('affected-machine'), affected, settings);
  say('booting the patched guest (four minutes)');
  const after = await runGuest(machine, workspace.at('patched-machine'), patched, settings);
  const problems = [...problemsBefore(before), ...problemsAfter(after)];
  return { page: page(before, after, problems), asExpected: problems.length === 0 };
}

/** Seconds from the first lost write to the mail about it. */
function mailDelay({ mails, lostAt }: SystemdTrial): number | undefined {
  const alarm = mails.find(({ subject }) => /READ-ONLY: \/$/.test(subject));
  return alarm === undefined || lostAt === undefined ? undefined : (alarm.at - lostAt) / 1000;
}

function problemsBefore(trial: SystemdTrial): readonly string[] {
  const { documents, mails } = trial;
  const delay = mailDelay(trial);
  return [
    ...problemsOfBoth(trial),
    ...unless(documents.check?.status === 10, `check ended with ${documents.check?.status}`),
    ...unless(trial.lost > 0, 'no write was lost with the affected driver'),
    ...unless(documents.watched?.status === 10, `the watch ended with ${documents.watched?.status}`),
    ...unless(delay !== undefined && delay <= MAILED_WITHIN_SECONDS, `the mail came after ${delay} s`),
    ...unless(mails.length === 2, `${mails.length} mails came: a test and an alarm were expected`),
    ...unless(
      documents.diagnose?.document.verdict === 'this-bug',
      `diagnose: ${documents.diagnose?.document.verdict}`,
    ),
    ...unless(stateOfRoot(trial) === 'aborted', `recover reports the root as ${stateOfRoot(trial)}`),
  ].map((problem) => `as shipped: ${problem}`);
}

function problemsAfter(trial: SystemdTrial): readonly string[] {
  const { documents, mails } = trial;
  const status = documents.status?.document;
  return [
    ...problemsOfBoth(trial),
    ...unless(documents.check?.status === 0, `check ended with ${documents.check?.status}`),
    ...unless(
      status?.agree === true && status.rebootNeeded === false,
      'status: disk, image and kernel differ',
    ),
    ...unless(status?.loaded?.sameAsDisk === true, 'the loaded driver is not the installed one'),
    ...unless(trial.lost === 0 && trial.written === SETTINGS.writes, `${trial.lost} writes were lost`),
    ...unless(documents.watched?.status === 0, `the watch ended with ${documents.watched?.status}`),
    ...unless(mails.length === 1, `${mails.length} mails came: only the test was expected`),
    ...unless(stateOfRoot(trial) === 'writable', `recover reports the root as ${stateOfRoot(trial)}`),
  ].map((problem) => `patched: ${problem}`);
}

const TIMEOUTS = { before: 30, hardened: 180, replugged: 180, undone: 30 };

function problemsOfBoth({ ended, failed, timeouts, timers, busyAnswers }: SystemdTrial): readonly string[] {
  return [
    ...failed,
    ...unless(ended, 'the guest did not finish'),
    ...unless(busyAnswers > 0, 'the disk was never asked while its path failed over'),
    ...unless(timers.includes('mptfix-watch.timer'), `systemd’s timers: ${timers}`),
    ...unless(JSON.stringify(timeouts) === JSON.stringify(TIMEOUTS), `timeouts: ${JSON.stringify(timeouts)}`),
  ];
}

function unless(holds: boolean, problem: string): readonly string[] {
  return holds ? [] : [problem];
}

function stateOfRoot({ documents }: SystemdTrial): unknown {
  const found: readonly { mountPoint: string; state: string }[] =
    documents.recover?.document.fileSystems ?? [];
  return found.find(({ mountPoint }) => mountPoint === '/')?.state;
}

function page(before: SystemdTrial, after: SystemdTrial, problems: readonly string[]): string {
  const row = (name: string, trial: SystemdTrial): string => {
    const delay = mailDelay(trial);
    const mail = delay === undefined ? 'none' : `${delay.toFixed(0)} s after the first lost write`;
    return `| ${name} | ${trial.srcversion} | ${trial.busyAnswers} | ${trial.written} of ${SETTINGS.writes} | ${stateOfRoot(trial)} | ${mail} | ${trial.seconds.toFixed(0)} s |`;
  };
  return [
    `${before.kernel}, a Debian guest under systemd on QEMU’s SAS1068; its root disk answers BUSY for ${SETTINGS.busySeconds} s. In it:`,
    'mptfix check, status, harden with --undo, watch test-mail, install, uninstall and install again.',
    '',
    '| guest | srcversion of the loaded driver | BUSY answers | writes done | root | mail of an alarm | run |',
    '|---|---|---|---|---|---|---|',
    row('as shipped', before),
    row('after mptfix apply', after),
    ...(problems.length === 0 ? [] : ['', ...problems]),
  ].join('\n');
}
