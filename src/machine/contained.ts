import type { Argv, RunOptions, Sandbox } from './program.ts';

/*
 * A container that is built has no namespaces to give: bubblewrap may make none in it. It is itself what a sandbox is: it
 * has no disk and no file of the machine outside, and it is thrown away. There, what a sandbox would show at a place of
 * its own is called by its real path instead.
 */

let contained = false;

/** Said once, by who knows that this process runs in a container that holds nothing but the build. */
export function trustContainer(): void {
  contained = true;
}

export function isContained(): boolean {
  return contained;
}

/** What of a run is given to the system in place of a sandbox: the words with real paths, as the sandbox's user. */
export function withoutSandbox(
  argv: Argv,
  options: Pick<RunOptions, 'cwd' | 'env'>,
  { readOnly, writable, programs }: Sandbox,
): { readonly argv: Argv } & Pick<RunOptions, 'cwd' | 'env'> {
  if (programs !== undefined) throw new Error('a container that is built runs no programs of another tree');
  // The innermost place counts.
  const binds = [...readOnly, ...writable].sort((one, other) => other.to.length - one.to.length);
  const real = (word: string): string => {
    const bind = binds.find(({ to }) => word === to || word.startsWith(`${to}/`));
    return bind === undefined ? word : `${bind.from}${word.slice(bind.to.length)}`;
  };
  const env = Object.fromEntries(
    Object.entries(options.env ?? {}).map(([name, value]) => [name, real(value)]),
  );
  return { argv: argv.map(real) as unknown as Argv, env, cwd: real(options.cwd ?? '/') };
}
