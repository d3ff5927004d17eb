const acts = new Set<() => Promise<void>>();

/** Has something done once when the command of this run has ended, such as closing what it opened. It may not throw. */
export function atEnd(act: () => Promise<void>): void {
  acts.add(act);
}

export async function doAtEnd(): Promise<void> {
  for (const act of acts) await act();
  acts.clear();
}
