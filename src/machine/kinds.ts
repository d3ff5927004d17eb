import type { Target } from './port.ts';

/** What a guest of one kind has, for whoever has to decide by it. */
export interface KindTraits {
  /** A kernel of its own runs it: /proc, /sys, mount table, processes and names of devices are that kernel's. */
  readonly isRunning: boolean;
  /** It is the machine that mptfix runs on: devices, users and paths of the command line are its own. */
  readonly isHere: boolean;
  /** This machine's programs work on its files, and `run` starts them. Elsewhere only its own do, of whatever age. */
  readonly hasOurTools: boolean;
}

/** The one place that says how the kinds differ: no room asks which kind a target is, but for one of these. */
const KINDS: Readonly<Record<Target['kind'], KindTraits>> = {
  local: { isRunning: true, isHere: true, hasOurTools: true },
  root: { isRunning: false, isHere: false, hasOurTools: true },
  host: { isRunning: true, isHere: false, hasOurTools: false },
};

export function traitsOf({ kind }: Pick<Target, 'kind'>): KindTraits {
  return KINDS[kind];
}
