import { BUSY, HOST, hostOf } from '../source/constants.ts';
import { judgeAll, scanDriverSource } from '../source/scan.ts';
import type { BranchSite } from '../source/site.ts';
import { isUnclear } from '../source/syntax.ts';
import { lex } from '../source/tokens.ts';

/**
 * Proves that a change removed the branch and nothing else. Returns the reason where that cannot be proven, undefined
 * where it is.
 *
 * Three proofs: no character and no token changed outside the branch; the scanner no longer finds the branch; and in the
 * completion routine every status but BUSY ends as before, while BUSY keeps its status with DID_OK.
 */
export function disproof(before: string, after: string, file: string, site: BranchSite): string | undefined {
  const rest = before.length - site.end;
  if (
    before.slice(0, site.start) !== after.slice(0, site.start) ||
    before.slice(site.end) !== after.slice(after.length - rest)
  ) {
    return 'text outside of the branch changed';
  }
  if (!sameTokensOutside(before, after, site)) return 'tokens outside of the branch changed';
  const scan = scanDriverSource(after, file);
  if (scan.shape !== 'branch-removed' && scan.shape !== 'never-had-it')
    return `the outcome is ${scan.shape}: ${scan.detail}`;
  return sameButBusy(before, after);
}

/** Text outside the branch may mean something else although it is the same: a comment may have opened. */
function sameTokensOutside(before: string, after: string, site: BranchSite): boolean {
  const shift = after.length - before.length;
  const old = spread(before);
  const fresh = spread(after);
  const headOld = old.filter((token) => token.start < site.start);
  const tailOld = old.filter((token) => token.start >= site.end);
  const headNew = fresh.slice(0, headOld.length);
  const tailNew = fresh.slice(fresh.length - tailOld.length);
  return (
    headOld.every((token, at) => token.text === headNew[at]?.text && token.start === headNew[at]?.start) &&
    tailOld.every(
      (token, at) => token.text === tailNew[at]?.text && token.start + shift === tailNew[at]?.start,
    ) &&
    fresh
      .slice(headOld.length, fresh.length - tailOld.length)
      .every(({ start }) => start >= site.start && start < site.end + shift)
  );
}

function spread(text: string): readonly { readonly text: string; readonly start: number }[] {
  return lex(text).items.flatMap((item) =>
    item.kind === 'directive' ? [{ text: `#${item.name}`, start: item.start }, ...item.args] : [item],
  );
}

function sameButBusy(before: string, after: string): string | undefined {
  try {
    return compareStatuses(before, after);
  } catch (error) {
    // A path that only other statuses take may be beyond the scanner.
    if (isUnclear(error)) return error.message;
    throw error;
  }
}

function compareStatuses(before: string, after: string): string | undefined {
  const old = judgeAll(before, 'every-status');
  const fresh = judgeAll(after, 'every-status');
  if (old.length !== fresh.length) return 'the conditions around the branch changed';
  for (const [index, judgement] of old.entries()) {
    for (const [status, results] of judgement.results) {
      const want = status === BUSY ? results?.map(withoutBranch) : results;
      const got = fresh[index]?.results.get(status);
      if (!sameSet(want, got))
        return `status 0x${status.toString(16).padStart(2, '0')} no longer ends as before`;
    }
  }
  return undefined;
}

function withoutBranch(result: number): number {
  return hostOf(result) === HOST.BUS_BUSY ? BUSY : result;
}

function sameSet(left: readonly number[] | undefined, right: readonly number[] | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return new Set(left).symmetricDifference(new Set(right)).size === 0;
}
