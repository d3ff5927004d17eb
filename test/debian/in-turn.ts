/** Runs `act` for 0 to `count` - 1, so many at a time; the first that fails ends it. */
export async function inTurn(
  count: number,
  atATime: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await act(index);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
