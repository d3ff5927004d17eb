/**
 * Puts what is left of one chunk before the next one, in a buffer of its own that is used again and again: a new one for
 * each chunk would be garbage that the collector does not see. What it gives back is valid until the next call of `join`.
 */
export function carry() {
  let store = Buffer.allocUnsafeSlow(0);
  let rest: Uint8Array = store;
  return {
    /** What was kept, and then these bytes. */
    join: (bytes: Uint8Array): Buffer => {
      const length = rest.length + bytes.length;
      const room = store.length < length ? Buffer.allocUnsafeSlow(length * 2) : store;
      // What is kept may be in the same buffer, and overlap.
      room.set(rest, 0);
      room.set(bytes, rest.length);
      store = room;
      return store.subarray(0, length);
    },
    /** Keeps a part of what `join` gave back, or other bytes that stay as they are. */
    keep: (bytes: Uint8Array): void => {
      rest = bytes;
    },
  };
}
