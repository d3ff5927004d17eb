import { resolve } from 'node:path';
import type { Placement } from '../../install/placement.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';
import { DEFAULT_WORK_BASE } from '../../work/workspace.ts';
import { commandLine } from './words.ts';

/** One command, when it runs: answers the exit status. The signal asks it to put things back and end. */
export type Act = (signal: AbortSignal) => Promise<number>;

/** Runs an action; what the line of a command is declared with. */
export type Run = (act: Act) => Promise<void>;

/** What every command has that looks at a guest. */
export interface CommonOptions {
  readonly root?: string;
  readonly kernel?: string;
  readonly json: boolean;
  readonly verbose: boolean;
}

export interface BuildingOptions extends CommonOptions {
  readonly source?: string;
  readonly headers?: string;
  readonly offline: boolean;
  readonly wholeTree: boolean;
  readonly full: boolean;
  readonly work?: string;
}

/** How a module is installed. */
export interface InstallingOptions {
  readonly placement: Placement;
  readonly initramfs: boolean;
  readonly bootEntry: boolean;
}

export interface MutatingOptions {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

/** The guest that the target options name. */
export function openTarget(options: Pick<CommonOptions, 'root'>, dryRun: boolean): Target {
  return options.root === undefined ? localTarget({ dryRun }) : rootTarget(options.root, { dryRun });
}

export function workBase(options: { readonly work?: string }): string {
  return options.work === undefined ? DEFAULT_WORK_BASE : resolve(options.work);
}

/** The target options again, quoted for a shell, for a command that a person shall type next. */
export function targetWords(options: Pick<CommonOptions, 'root' | 'kernel'>): string {
  const words = [
    ...(options.root === undefined ? [] : ['--root', options.root]),
    ...(options.kernel === undefined ? [] : ['--kernel', options.kernel]),
  ];
  return words.length === 0 ? '' : ` ${commandLine(words)}`;
}
