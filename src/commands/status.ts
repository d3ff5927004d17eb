import type { CommonOptions } from '../cli.ts';
import { type GuestStatus, guestStatus } from '../flow/status.ts';
import { printResult } from '../ui/output.ts';
import { openTarget } from './options.ts';
import { statusPage } from './pages/status.ts';

/** `mptfix status`: what is installed, what is loaded, and whether they agree. Only reports. */
export async function status(options: CommonOptions): Promise<number> {
  const result: GuestStatus = await guestStatus(openTarget(options, true), options.kernel);
  printResult(options, result, statusPage(result));
  return 0;
}
