import { failure } from '../errors.ts';
import type { ErrorsPolicy } from '../filesystems/superblock/ext.ts';

/** What `--apply` asks for; at least one of them. */
export interface Wish {
  readonly errors?: ErrorsPolicy;
  /** SCSI command timeout in seconds. */
  readonly timeout?: number;
}

const POLICIES: readonly ErrorsPolicy[] = ['remount-ro', 'continue', 'panic'];
/** sd's own default: less would make it worse. */
const SHORTEST = 30;
const LONGEST = 3600;

/** Reads `errors=remount-ro timeout=180`. Throws E_USAGE that names every word that is wrong. */
export function parseWish(words: readonly string[]): Wish {
  const problems: string[] = [];
  let wish: Wish = {};
  for (const word of words) {
    const [, name = '', value = ''] = /^([a-z]+)=(.*)$/s.exec(word) ?? [];
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    const read = setting?.(value);
    if (read !== undefined) wish = { ...wish, ...read };
    else problems.push(JSON.stringify(word.slice(0, 80)));
  }
  if (problems.length === 0 && words.length > 0) return wish;
  throw failure(
    'E_USAGE',
    problems.length === 0 ? '--apply wants a setting' : `--apply does not know ${problems.join(', ')}`,
    `errors=${POLICIES.join('|')} and timeout=SECONDS, from ${SHORTEST} (the kernel’s default) to ${LONGEST}; VMware advises 180`,
  );
}

const SETTINGS: Readonly<Record<string, (value: string) => Wish | undefined>> = {
  errors: (value) => {
    const errors = POLICIES.find((policy) => policy === value);
    return errors === undefined ? undefined : { errors };
  },
  timeout: (value) => {
    const timeout = /^\d{1,5}$/.test(value) ? Number(value) : 0;
    return timeout >= SHORTEST && timeout <= LONGEST ? { timeout } : undefined;
  },
};
