import type { Needed } from '../scripts/install-missing.ts';
import type { Workspace } from '../src/work/workspace.ts';

/** What of `mptfix demo --keep --json` is needed. */
export interface Demo {
  readonly kernel: { readonly release: string; readonly packageVersion: string };
  readonly guest: string;
  readonly source: string;
}

/** What every part of the lab is given. */
export interface Lab {
  readonly workspace: Workspace;
  /** A guest's tree with an affected driver; made when it is first asked for. */
  readonly demo: () => Promise<Demo>;
  /** Runs a command of mptfix, and answers its stdout. */
  readonly mptfix: (args: readonly string[]) => Promise<string>;
  readonly signal: AbortSignal;
}

/** What a part saw: the page that is printed, and whether it is what should be. */
export interface Shown {
  readonly page: string;
  readonly asExpected: boolean;
}

/** One thing that the lab shows. */
export interface Part {
  readonly title: string;
  readonly needs: readonly Needed[];
  readonly run: (lab: Lab) => Promise<Shown>;
}
