/** Where an entry is, relative to the goal, in an archive whose names are sorted. */
export type Place = 'before' | 'inside' | 'after';

/**
 * The orders in which archives of sources are sorted; each maps a name to the bytes that are compared.
 * Debian's linux-source (`find | sort`): whole paths, a folder without a slash: `perf`, `perf-x`, `perf/a`.
 * git-archive: the same, a folder with its slash: `perf-x`, `perf/`, `perf/a`.
 * `tar --sort=name`: folder by folder, as if the slash came before every other character: `perf`, `perf/a`, `perf-x`.
 */
const ORDERS: readonly ((name: string) => string)[] = [
  (name) => withoutSlash(name),
  (name) => name,
  (name) => withoutSlash(name).replaceAll('/', '\0'),
];

/**
 * Where an entry is, relative to the goal: a file's name, or a folder's with its slash, which means all that is in it
 * (the folder itself is `before`). Undefined where the orders disagree: `fusion-x` beside `fusion/`.
 */
export function placeOf(name: string, goal: string): Place | undefined {
  if (goal.endsWith('/') ? name.startsWith(goal) && name !== goal : name === goal) return 'inside';
  const plain = withoutSlash(name);
  const before = compare(plain, goal) < 0;
  const beforeByFolder = compare(plain.replaceAll('/', '\0'), goal.replaceAll('/', '\0')) < 0;
  if (before !== beforeByFolder) return undefined;
  return before ? 'before' : 'after';
}

export interface OrderCheck {
  add(name: string): void;
  /** Whether all names so far ascend in one of the orders. */
  sorted(): boolean;
}

export function orderCheck(): OrderCheck {
  let orders = ORDERS;
  let previous: string | undefined;
  return {
    add: (name) => {
      const last = previous;
      if (last !== undefined) orders = orders.filter((key) => compare(key(last), key(name)) < 0);
      previous = name;
    },
    sorted: () => orders.length > 0,
  };
}

function withoutSlash(name: string): string {
  return name.endsWith('/') ? name.slice(0, -1) : name;
}

/** By the bytes of UTF-8, as sort and tar do; JavaScript's own order differs beyond the first 65,536 characters. */
function compare(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
