import type { Powered } from './machine.ts';
import type { Found } from './record.ts';
import { MPTFIX } from './ways.ts';

/** A whole run of Node takes seconds under emulation, and a machine may be busy. */
const STATUS_SECONDS = 240;

/** Names of everything; bytes of what mptfix writes there: the images, the index, the driver. */
const PLACES =
  'cd /boot && here=/lib/modules/$(uname -r) && ' +
  '{ ls -AR . $here; sha256sum initrd.img* $here/modules.* $here/kernel/drivers/message/fusion/*; } | sha256sum';

/** The two drivers, by what tells one from the other: of the loaded one its build-id, of a file its SHA-256. */
export interface Drivers {
  readonly original: { readonly buildId: string; readonly sha256: string };
  readonly patched: { readonly buildId: string; readonly sha256: string };
}

/** The part of `mptfix status --json` that is needed. */
interface StatusDocument {
  readonly state: string;
  readonly module: { readonly sha256: string } | null;
  readonly images: readonly { readonly holds: string }[];
  readonly interrupted: readonly unknown[];
}

/** Asks the guest for `status`, and the kernel itself which driver it runs on. Throws where it does not answer. */
export async function look(vm: Powered, drivers: Drivers): Promise<Found> {
  const answer = await vm.ask('status', `${MPTFIX} status --json`, STATUS_SECONDS);
  if (answer.status !== 0) throw new Error(`status ended with ${answer.status}: ${answer.because}`);
  const status = JSON.parse(answer.text) as StatusDocument;
  // The note's last 20 bytes are the id.
  const note = await vm.ask(
    'buildid',
    "od -An -v -tx1 /sys/module/mptscsih/notes/.note.gnu.build-id | tr -d ' '",
    60,
  );
  const root = await vm.ask(
    'root',
    'grep -l mptsas /sys/class/scsi_host/host*/proc_name && grep "^/dev/sda / ext4 rw" /proc/mounts',
    60,
  );
  if (root.status !== 0) throw new Error('the root file system is not on the adapter’s disk');
  const places = await vm.ask('places', PLACES, 120);
  if (places.status !== 0) throw new Error(`/boot and /lib/modules cannot be read: ${places.because}`);
  return {
    state: status.state,
    images: status.images.map(({ holds }) => holds),
    loaded: note.text === '' ? 'none' : which(drivers, ({ buildId }) => note.text.endsWith(buildId)),
    module: which(drivers, ({ sha256 }) => status.module?.sha256 === sha256),
    interrupted: status.interrupted.length,
    places: places.text.slice(0, 64),
  };
}

function which(
  { original, patched }: Drivers,
  is: (driver: Drivers['original']) => boolean,
): 'original' | 'patched' | 'another' {
  if (is(original)) return 'original';
  return is(patched) ? 'patched' : 'another';
}
