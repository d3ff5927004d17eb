import { isAlarm } from '../../watch/condition.ts';
import type { Change } from '../../watch/follow.ts';
import type { Finding } from '../../watch/look.ts';
import type { Delivery } from '../../watch/notify/channels.ts';
import type { OnceResult } from '../../watch/once.ts';

export type WatchVerdict = 'ok' | 'warning' | 'alarm';

/** What `watch once --json` prints. */
export interface WatchResult {
  readonly schema: 'mptfix.watch/1';
  readonly target: string;
  /** ISO 8601. */
  readonly time: string;
  readonly result: WatchVerdict;
  readonly fileSystems: readonly WatchedFileSystem[];
  readonly told: OnceResult['notified'];
  readonly notes: readonly string[];
}

export interface WatchedFileSystem {
  readonly mountPoint: string;
  readonly mountPoints: readonly string[];
  readonly device: string;
  readonly disk: string | null;
  readonly mapper: string | null;
  readonly source: string;
  readonly fsType: string;
  readonly intended: 'rw' | { readonly readOnly: string };
  readonly state: Finding['state'];
  readonly since: string | null;
  readonly evidence: Finding['evidence'];
  /** What came of writing to it; null: not tried. */
  readonly probe: string | null;
}

/** A line of `watch follow --json`: a file system whose state has changed. */
export interface WatchChange extends WatchedFileSystem {
  readonly schema: 'mptfix.watch-change/1';
  /** ISO 8601. */
  readonly time: string;
  /** The state before; null: it was not seen before. */
  readonly before: Finding['state'] | null;
}

/** What `watch test-mail --json` prints. */
export interface TestMailResult extends Delivery {
  readonly schema: 'mptfix.watch-test/1';
  readonly to: readonly string[];
}

export function watchResult(target: string, { look, notified, notes }: OnceResult): WatchResult {
  const states = look.findings.map(({ state }) => state);
  return {
    schema: 'mptfix.watch/1',
    target,
    time: new Date().toISOString(),
    result: states.some(isAlarm) ? 'alarm' : states.includes('errors') ? 'warning' : 'ok',
    fileSystems: look.findings.map(watched),
    told: notified,
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
