/** Kernel names of disks by major number: Documentation/admin-guide/devices.txt. */
interface DiskMajor {
  readonly major: number;
  readonly prefix: 'sd' | 'hd' | 'dm-' | 'md' | 'loop' | 'vd';
  /** The number of the first disk on this major. */
  readonly first: number;
  /** Minor numbers a disk: itself and its partitions; 1 where there are none. */
  readonly minors: number;
}

const SD_MAJORS = [8, 65, 66, 67, 68, 69, 70, 71, 128, 129, 130, 131, 132, 133, 134, 135] as const;

const DISK_MAJORS: readonly DiskMajor[] = [
  ...SD_MAJORS.map((major, index): DiskMajor => ({ major, prefix: 'sd', first: index * 16, minors: 16 })),
  { major: 3, prefix: 'hd', first: 0, minors: 64 },
  { major: 22, prefix: 'hd', first: 2, minors: 64 },
  { major: 9, prefix: 'md', first: 0, minors: 1 },
  { major: 7, prefix: 'loop', first: 0, minors: 1 },
  { major: 253, prefix: 'dm-', first: 0, minors: 1 },
];

/** `sda1` for 8:1; the numbers themselves, `8:1`, where the major number is not fixed for disks. */
function nameOfDevice(major: number, minor: number): string {
  const row = DISK_MAJORS.find((one) => one.major === major);
  if (row === undefined) return `${major}:${minor}`;
  const disk = row.first + Math.floor(minor / row.minors);
  const part = minor % row.minors;
  const name = row.prefix === 'sd' || row.prefix === 'hd' ? letters(disk) : String(disk);
  return `${row.prefix}${name}${part === 0 ? '' : part}`;
}

/** 2.4's names: `08:01` (hex, kdevname()) and `sd(8,1)` (decimal, bdevname()). */
export function nameOfOldDevice(text: string): string {
  const hex = /^([\da-f]{2}):([\da-f]{2})$/.exec(text);
  if (hex !== null) return nameOfDevice(Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16));
  const decimal = /\((\d+),(\d+)\)$/.exec(text);
  return decimal === null ? text : nameOfDevice(Number(decimal[1]), Number(decimal[2]));
}

/** `8:16` as device-mapper prints it. */
export function nameOfNumbers(text: string): string {
  const [major, minor] = text.split(':').map(Number);
  return nameOfDevice(major ?? Number.NaN, minor ?? Number.NaN);
}

/** jbd2 calls a journal `sda1-8`: device and inode. `dm-0` alone is a device. */
export function deviceOfJournal(journal: string): string {
  return /^dm-\d+$/.test(journal) ? journal : journal.replace(/-\d{1,20}$/, '');
}

/** The disk of a partition: `sda` of `sda1`, `nvme0n1` of `nvme0n1p2`; the name itself where it is no partition. */
export function diskOfPartition(device: string): string {
  const withP = /^((?:nvme\d+n\d+|mmcblk\d+|loop\d+|md\d+|cciss!c\d+d\d+))p\d+$/.exec(device);
  if (withP?.[1] !== undefined) return withP[1];
  const plain = /^((?:sd|hd|vd|xvd)[a-z]+)\d+$/.exec(device);
  return plain?.[1] ?? device;
}

/** a, b … z, aa, ab …: sd_format_disk_name(). */
function letters(index: number): string {
  const head = index >= 26 ? letters(Math.floor(index / 26) - 1) : '';
  return head + String.fromCharCode(97 + (index % 26));
}
