import { dirname } from 'node:path';
import { failure } from '../errors.ts';
import type { InitSystem } from '../guest/init-system.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { planFile, planFolders, planLink } from '../transaction/files.ts';
import type { Planned } from '../transaction/perform.ts';
import { planErrors } from './plan-errors.ts';
import type { HardenPlan, HardenQuestion } from './request.ts';
import { bootScriptOf, bootScriptText, hasUdev, RULE_PATH, ruleText } from './udev.ts';

/** Decides, reading only; what is already as requested is no change. All that can be refused is refused here. */
export async function planHarden(target: Target, question: HardenQuestion): Promise<HardenPlan> {
  const { errors, timeout } = question.request;
  const parts: HardenPlan[] = [];
  if (errors !== undefined) parts.push(await planErrors(target, question, errors));
  if (timeout !== undefined) parts.push(await planTimeout(target, question, timeout));
  return { changes: parts.flatMap(({ changes }) => changes), notes: parts.flatMap(({ notes }) => notes) };
}

/** The changes that set the SCSI timeouts now and at every boot. */
async function planTimeout(
  target: Target,
  { survey, init }: HardenQuestion,
  seconds: number,
): Promise<HardenPlan> {
  // What a tree has in its /sys is not of this machine.
  const disks = traitsOf(target).isRunning ? survey.disks : [];
  const scsi = disks.filter(({ bus }) => bus === 'scsi');
  const now = scsi.flatMap(({ timeoutPath, timeoutSeconds }) =>
    timeoutPath === null || timeoutSeconds === null || timeoutSeconds === seconds
      ? []
      : [
          {
            step: {
              kind: 'sysfs',
              path: timeoutPath,
              before: String(timeoutSeconds),
              after: String(seconds),
            } as const,
          },
        ],
  );
  const boot = (await hasUdev(target))
    ? await planRule(target, seconds)
    : await planScript(target, init, seconds);
  const notes =
    scsi.length > 0 || !traitsOf(target).isRunning
      ? []
      : ['this machine has no SCSI disk now: only the setting for the next boot is made'];
  return { changes: [...boot, ...now], notes };
}

async function planRule(target: Target, seconds: number): Promise<readonly Planned[]> {
  return [
    ...(await planFolders(target, dirname(RULE_PATH))),
    ...(await planFile(target, {
      path: RULE_PATH,
      content: Buffer.from(ruleText(seconds)),
      what: `timeout ${seconds} s at boot`,
      mode: 0o644,
    })),
  ];
}

async function planScript(target: Target, init: InitSystem, seconds: number): Promise<readonly Planned[]> {
  const script = bootScriptOf(init);
  if (script === null) {
    throw failure(
      'E_UDEV_MISSING',
      `${target.name} has no udev that could set the timeout at boot, and mptfix has no boot script for ${init}`,
      'install udev, or set it in a script of your own: `echo SECONDS > /sys/block/sdX/device/timeout`',
    );
  }
  const folders = [dirname(script.path), ...script.links.map(([path]) => dirname(path))];
  const changes: Planned[] = [];
  for (const folder of new Set(folders)) changes.push(...(await planFolders(target, folder)));
  changes.push(
    ...(await planFile(target, {
      path: script.path,
      content: Buffer.from(bootScriptText(seconds)),
      what: `timeout ${seconds} s at boot`,
      mode: 0o755,
    })),
  );
  for (const [path, text] of script.links) changes.push(...(await planLink(target, path, text)));
  return changes;
}
