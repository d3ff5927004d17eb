import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { is32Bit } from '../../machine/bits.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target, TargetReads } from '../../machine/port.ts';
import type { Argv, Bind, ProgramTree, RunOptions, Sandbox } from '../../machine/program.ts';
import { requireTools, type Tool } from '../../machine/tools.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';
import type { Workspace } from '../../work/workspace.ts';
import { runBoxed } from '../build-sandbox.ts';
import { installInTree } from './install-in-tree.ts';

/** Where compilers run: whose make, gcc and binutils build the module, and the kernel's own host programs. */
export interface Toolchain {
  /** `machine`: this one. `guest`: the guest's tree. `tree`: another one, of that era. `image`: a container's; mptfix does not run in it. */
  readonly kind: 'machine' | 'guest' | 'tree' | 'image';
  /** For messages: "this machine", the tree's path, or the image's name. */
  readonly name: string;
  /** Where its programs are, to be looked at: paths are its own. */
  readonly place: Target;
  /** The sandbox's root; undefined: this machine's programs. */
  readonly programs: ProgramTree | undefined;
  /** What of the place a sandbox shows beside that: the folders of tools that an admin named. */
  readonly shown: readonly Bind[];
  /** The user named it; else whatever this machine has is no choice of anybody's. */
  readonly isChosen: boolean;
}

/** This machine, as the demo and whoever named nothing has it. */
export const MACHINE: Toolchain = {
  kind: 'machine',
  name: 'this machine',
  place: localTarget({ dryRun: true }),
  programs: undefined,
  shown: [],
  isChosen: false,
};

/**
 * Opens what `--toolchain` names: `machine`, `guest`, `image:NAME`, or a folder; undefined where it was not given. Only reads.
 * Throws E_USAGE where `guest` has no tree, E_TARGET_MISSING where there is no such folder, E_TOOLS_MISSING where it has no shell.
 */
export async function openToolchain(
  choice: string | undefined,
  guest: Target | undefined,
): Promise<Toolchain> {
  if (choice === undefined) return MACHINE;
  if (choice === 'machine') return { ...MACHINE, isChosen: true };
  const image = imageOf(choice);
  if (image !== undefined) return { ...MACHINE, kind: 'image', name: image, isChosen: true };
  const kind = choice === 'guest' ? 'guest' : 'tree';
  const place = kind === 'guest' ? guestTree(guest) : treeAt(choice);
  const root = await place.hostPath('/');
  await requireShell(place);
  const programs = { root, is32Bit: await is32Bit(place) };
  return { kind, name: place.name, place, programs, shown: [], isChosen: true };
}

/** The image that `image:NAME` names; undefined for any other toolchain. */
export function imageOf(choice: string): string | undefined {
  return choice.startsWith('image:') ? choice.slice('image:'.length) : undefined;
}

/** Whether it can be the name of an image: of a registry, with its port, a tag or a digest. */
export function isImageName(name: string): boolean {
  return IMAGE_NAME.test(name) && name.length <= 512;
}

/** Source: github.com/distribution/reference, reference.go: the grammar of a reference; docker takes no other. */
const IMAGE_NAME = /^[A-Za-z0-9][\w.:/@+-]*$/;

function guestTree(guest: Target | undefined): Target {
  if (guest !== undefined && !traitsOf(guest).isRunning) return rootTarget(guest.name, { dryRun: true });
  throw guestWithoutTree();
}

/** The error for `--toolchain guest` where no tree is given. */
export function guestWithoutTree(): Error {
  return failure(
    'E_USAGE',
    '--toolchain guest needs the tree of a guest, and --root is not given',
    'give --root the folder where the guest’s disk is mounted, or leave out --toolchain',
  );
}

function treeAt(folder: string): Target {
  try {
    return rootTarget(folder, { dryRun: true });
  } catch (cause) {
    throw failure(
      'E_TARGET_MISSING',
      `there is no folder ${folder} to compile in`,
      'give --toolchain machine, guest, or the folder that holds the / of a system with make and gcc',
      { cause },
    );
  }
}

async function requireShell(place: Pick<TargetReads, 'stat'> & Pick<Target, 'name'>): Promise<void> {
  if ((await place.stat('/bin/sh'))?.type === 'file') return;
  throw failure(
    'E_TOOLS_MISSING',
    `${place.name} has no /bin/sh: it is not the / of a system`,
    'give --toolchain the folder that holds all of a system, with bin, lib and usr',
  );
}

/** Runs a program of the toolchain in a sandbox, as the workspace's user: `runBoxed` for what a build itself runs. */
export function runTool(
  toolchain: Pick<Toolchain, 'programs' | 'shown'>,
  workspace: Pick<Workspace, 'machine' | 'user'>,
  argv: Argv,
  sandbox: Sandbox,
  options: Omit<RunOptions, 'effect' | 'user' | 'sandbox'> & Partial<Pick<RunOptions, 'effect'>> = {},
): ReturnType<typeof runBoxed> {
  const { programs, shown } = toolchain;
  return runBoxed(
    workspace,
    argv,
    { ...sandbox, programs, readOnly: [...shown, ...sandbox.readOnly] },
    options,
  );
}

/** Throws E_TOOLS_MISSING with the packages of that system's own distro. Names with a slash are not looked for. */
export async function requireToolsOf(
  { kind, place, name }: Pick<Toolchain, 'kind' | 'place' | 'name'>,
  tools: readonly Tool[],
): Promise<void> {
  if (kind === 'machine') return requireTools(place, tools);
  const found = await Promise.all(tools.map((tool) => place.findInside(tool.name)));
  const missing = tools.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) return;
  const names = missing.map((tool) => tool.name).join(', ');
  throw failure('E_TOOLS_MISSING', `not installed in ${name}: ${names}`, await installInTree(place, missing));
}

/** The most that is read of a program to hash it: cc1 has some 30 MB. */
const PROGRAM_BYTES = LIMITS.streamBytes;

/** SHA-256 of one of its files. */
export function hashOf({ place }: Pick<Toolchain, 'place'>, path: string): Promise<string> {
  return place.hash(path, PROGRAM_BYTES);
}
