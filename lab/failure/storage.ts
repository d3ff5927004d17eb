import type { Target } from '../../src/machine/port.ts';
import { type BusyProxy, openBusyProxy } from './busy-proxy.ts';
import { openIscsiTarget } from './iscsi-target.ts';

/** A disk's image behind a path that can fail over. */
export interface Storage {
  /** For `passThroughDisk`. */
  readonly url: string;
  /** From now on every command is answered BUSY, for so long. Happens once. */
  failOver(seconds: number): void;
  readonly isFailedOver: () => boolean;
  readonly busyAnswers: () => number;
  close(): Promise<void>;
}

/** Serves an image; its own files are made in `folder`. Needs root. */
export async function openStorage(machine: Target, folder: string, image: string): Promise<Storage> {
  const target = await openIscsiTarget(machine, folder, image);
  let proxy: BusyProxy;
  try {
    proxy = await openBusyProxy(target.port);
  } catch (error) {
    await target.close();
    throw error;
  }
  let timer: NodeJS.Timeout | undefined;
  return {
    url: `iscsi://127.0.0.1:${proxy.port}/${target.name}/1`,
    failOver: (seconds) => {
      if (timer !== undefined) return;
      proxy.setBusy(true);
      timer = setTimeout(() => proxy.setBusy(false), seconds * 1000);
    },
    isFailedOver: () => timer !== undefined,
    busyAnswers: proxy.busyAnswers,
    close: async () => {
      clearTimeout(timer);
      await proxy.close();
      await target.close();
    },
  };
}
