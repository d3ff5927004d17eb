import { failure } from '../errors.ts';
import { packageRoot } from '../package-root.ts';
import { callMptfix } from '../typed.ts';

/** The scripts of package.json that start mptfix. */
const SCRIPTS: readonly (string | undefined)[] = ['mptfix', 'demo'];

/**
 * Where npm started this program in a checkout (`npm run mptfix`): goes back to the folder where that was typed, as npm
 * has moved to its own, so that relative paths lead where they were meant to; and has messages name commands that
 * work from anywhere. Call it before the environment is cleaned.
 */
export function followNpm(env: NodeJS.ProcessEnv = process.env): void {
  const { npm_package_name: name, npm_lifecycle_event: script, INIT_CWD: typedIn } = env;
  if (name !== 'mptfix' || !SCRIPTS.includes(script) || typedIn === undefined) return;
  try {
    process.chdir(typedIn);
  } catch (error) {
    throw failure(
      'E_TARGET_MISSING',
      `${typedIn}, where npm was started, cannot be entered: ${(error as Error).message}`,
      'run the command again in a folder that exists and that you may enter',
    );
  }
  callMptfix(['npm', '--prefix', packageRoot(), 'run', '-s', 'mptfix', '--']);
}
