import type { Needed } from '../scripts/install-missing.ts';
import type { Workspace } from '../src/work/workspace.ts';

/** The part of `mptfix demo --keep --json` that the lab needs. */
export interface Demo {
  readonly kernel: { readonly release: string; readonly packageVersion: string };
  readonly guest: string;
  readonly source: string;
}

/** What every part of the lab gets. */
export interface Lab {
  readonly workspace: Workspace;
  /** A guest's tree with an affected driver, built on first use. */
  readonly demo: () => Promise<Demo>;
  /** Runs a command of mptfix and returns its stdout. */
  readonly mptfix: (args: readonly string[]) => Promise<string>;
  readonly signal: AbortSignal;
}

/** A part's result: the page that is printed, and whether all was as expected. */
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
