/** Which part of the kernel (or multipathd) logs it, from the adapter upwards; `hypervisor` is below the guest. */
export type Layer = 'hypervisor' | 'driver' | 'scsi' | 'block' | 'multipath' | 'journal' | 'file-system';

/** The kernel series that print a message in this form; `multipathd` for the daemon's, `esx` for VMware's vmkernel. */
export type Era = '2.4' | '2.6' | '3' | '4' | '5' | '6' | 'multipathd' | 'esx';

/** What happened to a file system, as a message says. */
export type Effect =
  /** The journal takes no more transactions: every write fails from now on. */
  | 'journal-aborted'
  /** The file system took itself read-only. */
  | 'read-only'
  /** The file system took itself out of service: neither reads nor writes (XFS). */
  | 'shutdown'
  /** An error was found; what follows depends on the `errors=` policy. */
  | 'error';

/** Every name that a pattern may give to a part of a message; values are as printed, but for the devices. */
export const FIELD_NAMES = [
  /** SCSI address H:C:I:L. */
  'address',
  'host',
  'channel',
  'id',
  'lun',
  /** A block device's name, such as `sda1` or `dm-0`. */
  'device',
  /** A device as 2.4 names it: `08:01` in hex, or `sd(8,1)`. */
  'kdev',
  /** Major and minor number in decimal, `8:16`. */
  'devt',
  /** A journal's name: a device, with jbd2 also the journal's inode: `sda1-8`. */
  'journal',
  'sector',
  'block',
  /** A SCSI command's result, in hex without `0x`. */
  'code',
  'hostbyte',
  'driverbyte',
  'suggest',
  'seconds',
  'operation',
  /** The name of the error, of the status or of the outcome. */
  'what',
  /** The adapter: `ioc0`. */
  'adapter',
  /** Which recovery step: `task abort`, `bus reset`. */
  'step',
  'function',
  'process',
  'error',
  /** A multipath map's name, and how many of its paths are left. */
  'map',
  'paths',
  'count',
  /** A volume as a hypervisor names it, its path, the SCSI command, and the numbers that `hypervisor.ts` decodes. */
  'volume',
  'path',
  'opcode',
  'deviceStatus',
  'pluginStatus',
  'senseKey',
  'asc',
  'ascq',
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];
export type Fields = Readonly<Partial<Record<FieldName, string>>>;

/** One form of one message. */
export interface Signature {
  /** Unique; `diagnose --json` names messages by it, so it is a contract. */
  readonly id: string;
  /** Every kernel series that prints the message in this form. */
  readonly eras: readonly Era[];
  readonly layer: Layer;
  /**
   * Literal words of at least 8 characters without their white space, one of which is in every line that `pattern` fits:
   * a file is searched for these first.
   */
  readonly needles: readonly string[];
  /**
   * Sticky: a message counts only from its beginning, for what stands later on a line may be words that a user chose (a
   * mount option, a file's name). Groups named by FIELD_NAMES; each repetition bounded or over one class of characters: no
   * line is slow. A space in it stands for any white space, none included: where a log is pasted, it is lost and doubled.
   */
  readonly pattern: RegExp;
  readonly effect?: Effect;
  /**
   * What follows the pattern belongs to this message: up to the next one, or, with `names`, to the end of the line, for
   * there stand names that users choose.
   */
  readonly tail?: true | 'names';
  /** The kernel's file (and function) that logs it. */
  readonly source: string;
}

/** How another message begins that stands directly behind a name or a number, where the space between them was lost. */
const NEXT = String.raw`(?:end_request:|blk_update_request:|print_req_error:|ext[34]_abort|EXT[234]-fs|JBD2?: |Aborting|Remounting|Buffer I/O|lost page|journal commit|SCSI [Ee]rror|sd \d{1,5}:\d|I/O error|mpt(?:base|scsih):|XFS \(|device-mapper:)`;
/** Behind a name or number of this class of characters: its end. */
export const endOf = (characters: string): string => `(?=${NEXT}|(?!${characters}))`;
/** A kernel's block device name as messages print it; `cciss!c0d0p1` too. */
export const DEVICE = String.raw`[A-Za-z][\w!.-]{0,63}?${endOf(String.raw`[\w!.-]`)}`;
/** In 2.4 `bdevname()` prints `sd(8,1)`, later kernels `sda1`. */
export const OLD_OR_NEW_DEVICE = String.raw`(?:(?<kdev>[a-z0-9]{1,16}\(\d{1,5},\d{1,8}\))|(?<device>${DEVICE}))`;
/** How `sdev_printk` begins a line: the driver's name, if it has one by then, and the address. */
export const SCSI_ADDRESS = String.raw`(?:\b(?:sd|sr|st|ses|scsi|osst|ch) )?(?<address>\d{1,5}:\d{1,5}:\d{1,10}:\d{1,20})`;
/** `scmd_printk` adds the disk and the command's tag: `sd 0:0:1:0: [sda] tag#12 `. */
export const SCSI_LEAD = String.raw`(?:${SCSI_ADDRESS}: {1,2}(?:\[(?<device>${DEVICE})\] {1,2})?(?:tag#\d{1,10} )?)?`;

/** A sticky regular expression of a raw template, in which each space stands for any white space. */
export function regex(strings: TemplateStringsArray, ...parts: readonly string[]): RegExp {
  return new RegExp(anySpace(String.raw(strings, ...parts)), 'y');
}

/** A class of characters, an escaped character, or a space with how often it comes. */
const ATOM = /\[(?:[^\]\\]|\\.)*\]|\\.|(?: (?:\{[\d,]+\}|[?*+])?)+/g;

/** Replaces each space; a class of characters with one gets the tab, too. Bounded, so that no line is slow. */
function anySpace(source: string): string {
  return source.replace(ATOM, (atom) => {
    if (atom.startsWith(' ')) return String.raw`[ \t]{0,9}`;
    return atom.startsWith('[') && atom.includes(' ') ? atom.replace(' ', String.raw` \t`) : atom;
  });
}

/** A table of one layer; a row of another one says so. */
export function ofLayer(
  layer: Layer,
  rows: readonly (Omit<Signature, 'layer'> & Partial<Pick<Signature, 'layer'>>)[],
): readonly Signature[] {
  return rows.map((row) => ({ layer, ...row }));
}
