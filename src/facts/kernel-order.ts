/** Orders kernel releases by their leading numbers, as `2.6.18-8.el5` before `4.18.0-553.el8`. Negative: a is older. */
export function versionOrder(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let place = 0; place < 3; place += 1) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbers(release: string): readonly number[] {
  return (/^\d{1,5}(\.\d{1,5}){0,2}/.exec(release)?.[0] ?? '').split('.').map(Number);
}
