import * as v from 'valibot';
import type { Document } from '../document.ts';

/** All but `ok` and `errors` mean that the file system cannot be written, and are an alarm. */
const state = v.picklist(['ok', 'errors', 'read-only', 'shut-down', 'io-error', 'hang']);
const channel = v.picklist(['smtp', 'sendmail', 'webhook', 'kernel-log']);

/** What came of sending one notice. */
const delivery = v.strictObject({
  /** The channel that took it; null: none did. */
  by: v.nullable(channel),
  /** What the channels before it said. */
  errors: v.array(v.strictObject({ channel, reason: v.string() })),
});

const evidence = v.strictObject({
  kind: v.picklist(['mount-table', 'ext4-errors', 'kernel-log', 'probe']),
  state,
  /** One line for a person. */
  detail: v.string(),
  /** ISO 8601; where the evidence says. */
  since: v.optional(v.string()),
  /** Nothing shows that the kernel wrote the message. Absent: something does, or there is no message. */
  reported: v.optional(v.literal(true)),
});

const watchedFileSystem = {
  mountPoint: v.string(),
  mountPoints: v.array(v.string()),
  device: v.string(),
  disk: v.nullable(v.string()),
  mapper: v.nullable(v.string()),
  source: v.string(),
  fsType: v.string(),
  intended: v.union([v.literal('rw'), v.strictObject({ readOnly: v.string() })]),
  state,
  since: v.nullable(v.string()),
  evidence: v.array(evidence),
  /** What came of writing to it; null: not tried. */
  probe: v.nullable(v.string()),
};

/** What `watch once --json` prints. */
export const watchSchema = v.strictObject({
  schema: v.literal('mptfix.watch/1'),
  target: v.string(),
  /** ISO 8601. */
  time: v.string(),
  result: v.picklist(['ok', 'warning', 'alarm']),
  fileSystems: v.array(v.strictObject(watchedFileSystem)),
  /** Each notice that was sent, or that no channel took. */
  told: v.array(
    v.strictObject({
      event: v.picklist(['alarm', 'reminder', 'recovery', 'test']),
      mountPoints: v.array(v.string()),
      ...delivery.entries,
    }),
  ),
  /** Mount points of alarms that nobody was told of yet, although somebody should be: each run tries again. */
  untold: v.array(v.string()),
  /** What is wrong with the configuration of the notices; null: nothing, or there is none. */
  configuration: v.nullable(v.strictObject({ code: v.string(), what: v.string(), next: v.string() })),
  notes: v.array(v.string()),
});

/** A line of `watch follow --json`: a file system whose state has changed. */
export const watchChangeSchema = v.strictObject({
  schema: v.literal('mptfix.watch-change/1'),
  /** ISO 8601. */
  time: v.string(),
  /** The state before; null: it was not seen before. */
  before: v.nullable(state),
  ...watchedFileSystem,
});

/** What `watch test-mail --json` prints. */
export const testMailSchema = v.strictObject({
  schema: v.literal('mptfix.watch-test/1'),
  to: v.array(v.string()),
  ...delivery.entries,
});

/** What `watch install --json` and `watch uninstall --json` print. */
export const scheduleSchema = v.strictObject({
  schema: v.literal('mptfix.watch-schedule/1'),
  result: v.picklist(['installed', 'removed', 'planned']),
  scheduler: v.nullable(v.string()),
  everyMinutes: v.nullable(v.number()),
  paths: v.array(v.string()),
  notes: v.array(v.string()),
});

export type WatchResult = Document<typeof watchSchema>;
export type WatchChange = Document<typeof watchChangeSchema>;
export type TestMailResult = Document<typeof testMailSchema>;
export type ScheduleResult = Document<typeof scheduleSchema>;
export type WatchVerdict = WatchResult['result'];
export type WatchedFileSystem = WatchResult['fileSystems'][number];
export type WatchedState = WatchedFileSystem['state'];
export type WatchedEvidence = WatchedFileSystem['evidence'][number];
export type Delivery = Document<typeof delivery>;
export type ChannelName = NonNullable<Delivery['by']>;
export type Notified = WatchResult['told'][number];
