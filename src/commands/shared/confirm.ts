import { failure } from '../../errors.ts';
import { say } from '../../ui/output.ts';
import { askYes, canAsk } from '../../ui/prompt.ts';

/** Shows what will be done and asks, unless `--yes`. Throws E_CONFIRM_REQUIRED where nobody can answer. */
export async function confirm(
  page: string,
  options: { readonly yes: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (options.yes) return;
  if (!canAsk()) {
    throw failure(
      'E_CONFIRM_REQUIRED',
      'this changes the guest, and nobody is at the terminal to confirm it',
      'review it with mptfix plan (or --dry-run), then run the command again with --yes',
    );
  }
  say(page);
  if (await askYes('Continue?', signal)) return;
  throw failure(
    'E_DECLINED',
    'not confirmed: nothing was changed',
    'run the command again when you are ready',
  );
}
