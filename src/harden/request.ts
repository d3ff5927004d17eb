import { parseDuration } from '../duration.ts';
import { failure } from '../errors.ts';
import type { ErrorsPolicy } from '../filesystems/superblock/ext.ts';
import type { InitSystem } from '../guest/init-system.ts';
import type { Planned } from '../transaction/perform.ts';
import type { Survey } from './document.ts';

/** What `--apply` asks for; at least one of them. */
export interface HardenRequest {
  readonly errors?: ErrorsPolicy;
  /** SCSI command timeout in seconds. */
  readonly timeout?: number;
}

/** What is to be changed, in the order in which it is done, and what cannot be reached. */
export interface HardenPlan {
  readonly changes: readonly Planned[];
  /** One line each. */
  readonly notes: readonly string[];
}

/** A request with what it is planned from. */
export interface HardenQuestion {
  readonly request: HardenRequest;
  readonly survey: Survey;
  readonly init: InitSystem;
  /** `--device`: of a guest's tree, the device or image whose superblock is set. */
  readonly device: string | undefined;
}

const POLICIES: readonly ErrorsPolicy[] = ['remount-ro', 'continue', 'panic'];
/** sd's own default: less would make it worse. */
const SHORTEST = 30;
const LONGEST = 3600;

/** Reads `errors=remount-ro timeout=180`. Throws E_USAGE that names every word that is wrong. */
export function parseRequest(words: readonly string[]): HardenRequest {
  const problems: string[] = [];
  let request: HardenRequest = {};
  for (const word of words) {
    const [, name = '', value = ''] = /^([a-z]+)=(.*)$/s.exec(word) ?? [];
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    const read = setting?.(value);
    if (read !== undefined) request = { ...request, ...read };
    else problems.push(JSON.stringify(word.slice(0, 80)));
  }
  if (problems.length === 0 && words.length > 0) return request;
  throw failure(
    'E_USAGE',
    problems.length === 0 ? '--apply needs a setting' : `--apply does not know ${problems.join(', ')}`,
    `errors=${POLICIES.join('|')} and timeout=SECONDS (or 3m), from ${SHORTEST} (the kernel’s default) to ${LONGEST}; VMware advises 180`,
  );
}

const SETTINGS: Readonly<Record<string, (value: string) => HardenRequest | undefined>> = {
  errors: (value) => {
    const errors = POLICIES.find((policy) => policy === value);
    return errors === undefined ? undefined : { errors };
  },
  timeout: (value) => {
    const timeout = /^\d{1,5}$/.test(value) ? Number(value) : (parseDuration(value) ?? 0) / 1000;
    return timeout >= SHORTEST && timeout <= LONGEST ? { timeout } : undefined;
  },
};
