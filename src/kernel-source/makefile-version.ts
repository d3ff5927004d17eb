/** The version that a kernel tree's top Makefile declares. */
export interface TreeVersion {
  /** Such as `6.1.192` or `2.6.18`: VERSION.PATCHLEVEL.SUBLEVEL. */
  readonly base: string;
  /** EXTRAVERSION, such as `-8.el5`, or empty. */
  readonly extra: string;
}

/** Reads VERSION, PATCHLEVEL, SUBLEVEL and EXTRAVERSION from a top Makefile; undefined where it is none. */
export function treeVersion(makefile: string): TreeVersion | undefined {
  const version = variable(makefile, 'VERSION');
  const patchlevel = variable(makefile, 'PATCHLEVEL');
  if (version === undefined || patchlevel === undefined) return undefined;
  if (!/^\d+$/.test(version) || !/^\d+$/.test(patchlevel)) return undefined;
  const sublevel = variable(makefile, 'SUBLEVEL');
  const parts = [
    version,
    patchlevel,
    ...(sublevel !== undefined && /^\d+$/.test(sublevel) ? [sublevel] : []),
  ];
  return { base: parts.join('.'), extra: variable(makefile, 'EXTRAVERSION') ?? '' };
}

function variable(makefile: string, name: string): string | undefined {
  return new RegExp(`^${name}[ \\t]*=[ \\t]*(\\S*)`, 'm').exec(makefile)?.[1];
}
