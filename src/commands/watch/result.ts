import { isAlarm } from '../../watch/condition.ts';
import type { WatchChange, WatchedFileSystem, WatchResult } from '../../watch/document.ts';
import type { Change } from '../../watch/follow.ts';
import type { Finding } from '../../watch/look.ts';
import type { OnceResult } from '../../watch/once.ts';

export function watchResult(
  target: string,
  { look, notified, untold, problem, notes }: OnceResult,
): WatchResult {
  const states = look.findings.map(({ state }) => state);
  return {
    schema: 'mptfix.watch/1',
    target,
    time: new Date().toISOString(),
    result: states.some(isAlarm) ? 'alarm' : states.includes('errors') ? 'warning' : 'ok',
    fileSystems: look.findings.map(watched),
    told: notified,
    untold,
    configuration:
      problem === undefined ? null : { code: problem.code, what: problem.what, next: problem.next },
    notes,
  };
}

export function watchChange({ finding, before }: Change): WatchChange {
  const time = new Date().toISOString();
  return { schema: 'mptfix.watch-change/1', time, before: before ?? null, ...watched(finding) };
}

function watched({ fileSystem, state, since, evidence, probe }: Finding): WatchedFileSystem {
  const { mountPoint, mounts, device, name, mapper, source, fsType, intended } = fileSystem;
  return {
    mountPoint,
    mountPoints: [...new Set(mounts.map((mount) => mount.mountPoint))],
    ...{ device, disk: name, mapper, source, fsType, intended, state },
    since: since ?? null,
    evidence,
    probe: probe?.outcome ?? null,
  };
}
