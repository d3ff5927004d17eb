import type { ParseArgsConfig } from 'node:util';
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
  /** Where the work folder is made, and where parts keep what outlives a run. */
  readonly base: string;
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

/** What was given for a part's options, by their names. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** One thing that the lab shows. */
export interface Part {
  readonly title: string;
  readonly needs: readonly Needed[];
  /** Options that only this part has, besides those of every part. */
  readonly options?: NonNullable<ParseArgsConfig['options']>;
  /** `npm run lab` without a name leaves it out: it takes hours, or needs options. */
  readonly onlyByName?: boolean;
  /** It ends after so many minutes, whatever happens. Without a number: 60. */
  readonly limitMinutes?: number;
  /** False where it neither serves disks nor starts machines. */
  readonly needsRoot?: boolean;
  readonly run: (lab: Lab, options: OptionValues) => Promise<Shown>;
}
