import type { BuildOptions } from '../../build-options.ts';
import type { Argv } from '../../machine/program.ts';
import type { Workspace } from '../../work/workspace.ts';
import { toolsOfBuild } from '../compile-cached.ts';
import { compilerWords } from '../compiler.ts';
import { makeProgram } from './named-tools.ts';
import { askCompiler, type CompilerAnswer } from './prove-compiler.ts';
import type { Toolchain } from './toolchain.ts';

/** What a compiler said before anybody needed to know. */
export interface EarlyAnswer {
  readonly words: Argv;
  readonly answer: CompilerAnswer;
}

/**
 * Asks the compiler that a `.config` names, and with `ofTools` all the tools of a build, while the headers are still being read.
 * Undefined where that fails: whoever needs the answer asks again, and says what is missing.
 */
export async function askEarly(
  workspace: Workspace,
  toolchain: Toolchain,
  options: Pick<BuildOptions, 'makeVars'>,
  { config, ofTools }: { readonly config: string; readonly ofTools: boolean },
): Promise<EarlyAnswer | undefined> {
  const words = compilerWords({ config }, options);
  const named = { make: makeProgram(options.makeVars), compiler: words };
  const [answer] = await Promise.all([
    askCompiler(workspace, toolchain, words).catch(() => undefined),
    ofTools ? toolsOfBuild(workspace, toolchain, named).catch(() => undefined) : undefined,
  ]);
  return answer === undefined ? undefined : { words, answer };
}
