import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { json, mptfix, type RunSettings } from './cli.ts';
import type { GuestFixture } from './guest-tree.ts';
import { listing } from './listing.ts';
import { type SlimGuest, slimGuest } from './slim-guest.ts';

/** One thing that is wrong, and what `apply` must say to it. */
export interface Case {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  /** What the message must name. */
  readonly says: RegExp;
  /** Spoils the guest. */
  readonly guest?: (guest: SlimGuest) => void;
  /** Makes the bad source, headers or other options; answers the arguments beside --root. */
  readonly args?: (guest: SlimGuest) => string[];
  readonly settings?: (guest: SlimGuest) => RunSettings;
  /** Whether --yes is given; default true. */
  readonly agreed?: boolean;
  /** Whether `plan` refuses it, too, which neither asks nor compiles; default true. */
  readonly planned?: boolean;
}

/** Each is one clear error, and the guest is byte for byte what it was. */
export function testBadCases(fixture: GuestFixture, cases: readonly Case[]): void {
  for (const { name, status, code, says, guest: spoil, args, settings, ...more } of cases) {
    test(name, async () => {
      const guest = slimGuest(fixture);
      try {
        execFileSync('chmod', ['755', guest.root]);
        spoil?.(guest);
        const words = args?.(guest) ?? ['--source', fixture.source];
        const set = settings?.(guest) ?? {};
        const before = listing(guest.root);
        const { agreed = true, planned = true } = more;
        const yes = agreed ? ['--yes'] : [];
        const plan = await mptfix(['plan', '--root', guest.root, ...words, '--json'], set);
        expect([planned, plan.status, json(plan).error?.code]).toEqual([
          planned,
          planned ? status : 0,
          planned ? code : undefined,
        ]);
        const run = await mptfix(['apply', '--root', guest.root, ...words, ...yes, '--json'], set);
        const { schema, error } = json(run);
        expect(schema).toBe('mptfix.error/1');
        expect(`${error.code} ${error.what} ${error.next}`).toMatch(says);
        expect([error.code, run.status]).toEqual([code, status]);
        expect(run.stderr).toContain(`mptfix: ${code}: `);
        expect(run.stderr).toContain('  next: ');
        expect(listing(guest.root)).toEqual(before);
      } finally {
        guest.dispose();
      }
    });
  }
}
