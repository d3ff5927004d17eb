import type { Remembered } from '../../filesystems/observation.ts';
import type { WatchedState } from '../states.ts';

/** One stretch of time in which a file system could not be written. */
export interface WatchEvent {
  readonly mountPoint: string;
  readonly source: string;
  /** ISO 8601: when it began, as far as the signals tell; else when it was seen first. */
  readonly since: string;
  /** The states that somebody was told of. */
  readonly told: readonly WatchedState[];
  /** How often it was told, the first time included. */
  readonly times: number;
  /** Which channel took it last; null: none. */
  readonly by: string | null;
  /** ISO 8601: not told again before. */
  readonly next: string;
}

/** A write probe that did not come back. */
export interface StuckProbe {
  readonly pid: number;
  /** When the process was started, so that another one with its number is not taken for it. */
  readonly start: string;
  readonly places: readonly string[];
}

/** What the watch keeps from run to run, in /run/mptfix/watch.json. */
export interface WatchState {
  readonly schema: 'mptfix.watch-state/1';
  readonly bootId: string;
  /** By `FileSystem.device`, or its source where there is no number. */
  readonly seen: Readonly<Record<string, Remembered>>;
  readonly events: Readonly<Record<string, WatchEvent>>;
  readonly stuck?: StuckProbe;
}

export function emptyState(bootId: string): WatchState {
  return { schema: 'mptfix.watch-state/1', bootId, seen: {}, events: {} };
}

/**
 * Reads the file's text. What is torn, of another version or of another boot is as good as nothing: the worst that
 * follows is one mail too many.
 */
export function parseState(text: string, bootId: string): WatchState {
  try {
    const value: Partial<WatchState> = JSON.parse(text);
    const sound =
      value.schema === 'mptfix.watch-state/1' &&
      value.bootId === bootId &&
      isRecordOf(value.seen, isRemembered) &&
      isRecordOf(value.events, isEvent) &&
      (value.stuck === undefined || isStuck(value.stuck));
    return sound ? (value as WatchState) : emptyState(bootId);
  } catch {
    return emptyState(bootId);
  }
}

function isRecordOf(value: unknown, holds: (entry: Record<string, unknown>) => boolean): boolean {
  return isObject(value) && Object.values(value).every((entry) => isObject(entry) && holds(entry));
}

function isRemembered({ mounts, writable }: Record<string, unknown>): boolean {
  return Array.isArray(mounts) && typeof writable === 'boolean';
}

function isEvent(value: Record<string, unknown>): boolean {
  const texts = [value.mountPoint, value.source, value.since, value.next];
  return (
    texts.every((text) => typeof text === 'string') &&
    Array.isArray(value.told) &&
    typeof value.times === 'number' &&
    !Number.isNaN(Date.parse(String(value.next)))
  );
}

function isStuck(value: unknown): boolean {
  return isObject(value) && typeof value.pid === 'number' && Array.isArray(value.places);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
