const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  // How systemd and journalctl write it.
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** How every option takes a length of time, for --help and errors. */
export const DURATION_FORMS = '30s, 10m, 2h, 3d or 1w';

/** A length of time as every option takes it: `30s`, `10m`, `2h`, `3d`, `1w`. In milliseconds; undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,6}) ?([a-z]{1,3})$/.exec(text) ?? [];
  const size = Object.hasOwn(UNIT_MS, unit) ? UNIT_MS[unit] : undefined;
  return size === undefined ? undefined : Number(count) * size;
}
