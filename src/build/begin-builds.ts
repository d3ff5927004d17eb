import { isDeepStrictEqual } from 'node:util';
import type { HeaderFacts } from '../kernel-source/header-facts.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { HeadersInSight } from '../kernel-source/headers-in-sight.ts';
import type { Obtained } from '../kernel-source/request.ts';
import { defined } from '../optional.ts';
import type { StepContext } from './job.ts';
import { type Building, type RunningBuilds, stoppingOnFailure } from './running-builds.ts';
import {
  askWhileReading,
  isProvenBefore,
  lookAtHeaders,
  provenWhenUsed,
  takeHeaders,
} from './take-headers.ts';
import type { EarlyAnswer } from './toolchain/early.ts';
import type { Toolchain } from './toolchain/toolchain.ts';
import { startBuilds } from './two-builds.ts';

/** Builds that wait for the driver, with the headers that they see. */
export interface Begun {
  readonly early: Promise<EarlyAnswer | undefined>;
  readonly headers: Headers;
  readonly toolchain: Toolchain;
  readonly running: RunningBuilds;
}

/**
 * Begins the builds and reads the headers. A look at these is mostly enough for make to begin: it tries the compiler's
 * options for a third of a module's build, before it wants the driver. Where all of the headers, once read, are not what
 * that look showed, make begins anew: it has seen nothing of the driver by then.
 */
export async function beginBuilds(
  context: StepContext,
  fetched: Obtained,
  isPacked: boolean,
): Promise<Begun> {
  const toolchain = await context.toolchain;
  const building = { ...context, toolchain };
  const early = askWhileReading(context, toolchain, fetched);
  const isKnown = await isProvenBefore(context, isPacked);
  const ahead = isKnown ? undefined : await startAhead(context, building, fetched);
  const taken = takeHeaders(context, fetched, { isKnown, inSight: ahead?.inSight });
  // Whatever happens, it has ended then: nothing may still write into a work folder that is being removed.
  const headers = provenWhenUsed(context, toolchain, await stoppingOnFailure(ahead?.running, () => taken));
  if (ahead === undefined)
    return { early, headers, toolchain, running: startBuilds(building, headers, isPacked) };
  if (ahead.isGood(headers)) return { early, headers, toolchain, running: ahead.running };
  await ahead.running.stop();
  const anew = { ...building, named: 'anew-' };
  return { early, headers, toolchain, running: startBuilds(anew, headers, isPacked) };
}

/** Builds that were begun with what is in sight. */
interface Ahead {
  readonly inSight: HeadersInSight;
  readonly running: RunningBuilds;
  /** Whether all of the headers are what was in sight. Then the builds learn their digest; else they have to be stopped. */
  isGood(headers: Headers): boolean;
}

/** Undefined where a look is not enough. */
async function startAhead(
  context: StepContext,
  building: Building,
  fetched: Obtained,
): Promise<Ahead | undefined> {
  if (context.options.full) return undefined;
  const inSight = await lookAtHeaders(context, fetched);
  if (inSight === undefined) return undefined;
  const digest = Promise.withResolvers<string | undefined>();
  const running = startBuilds(building, { ...inSight, digest: digest.promise }, true);
  return {
    inSight,
    running: {
      ...running,
      stop: () => {
        digest.resolve(undefined);
        return running.stop();
      },
    },
    isGood: (headers) => {
      const isGood = headers.binds === inSight.binds && isDeepStrictEqual(factsOf(headers), factsOf(inSight));
      if (isGood) digest.resolve(headers.digest);
      return isGood;
    },
  };
}

function factsOf({ origin, version, release, config, symvers, loader }: HeaderFacts): HeaderFacts {
  return { origin, version, release, config, symvers, ...defined({ loader }) };
}
