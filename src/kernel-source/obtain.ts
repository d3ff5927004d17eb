import { obtainByApt } from './apt/obtain.ts';
import type { Provider } from './provider.ts';
import type { Obtain } from './request.ts';
import { obtainByRpm } from './rpm/obtain.ts';

const OBTAIN: Readonly<Record<Provider['archives'], Obtain>> = { apt: obtainByApt, rpm: obtainByRpm };

/**
 * Fetches what is wanted of a kernel's packages, checks who vouches for each, and unpacks it as the workspace's user.
 * Throws E_HEADERS_MISSING or E_SOURCE_MISSING naming every package that is missing, and where it was looked for; E_FETCH;
 * E_SIGNATURE.
 */
export const obtain: Obtain = (workspace, request, options) =>
  OBTAIN[request.provider.archives](workspace, request, options);
