import { DEVICE, OLD_OR_NEW_DEVICE, regex, type Signature } from '../signature.ts';

const XFS = String.raw`XFS \((?<device>${DEVICE})\): `;

/** XFS and its log. */
export const XFS_SIGNATURES: readonly Signature[] = [
  {
    id: 'xfs-shutdown',
    eras: ['3', '4', '5', '6'],
    layer: 'file-system',
    needles: ['Shutting down filesystem', 'as been shut down due to', 'nitiated shutdown received'],
    pattern: regex`${XFS}(?:(?<what>[A-Z][\w/ -]{1,48}?)(?: \(0x[\da-f]{1,8}\))?(?: detected at [^\s]{1,128}(?: \[xfs\])? \([^)\n]{1,128}\))?(?: [Dd]etected)?\. {1,2}Shutting down filesystem|Filesystem has been shut down due to (?<error>[a-z]{1,20}(?:[ -][a-z]{1,20}){0,3})|User initiated shutdown received)`,
    effect: 'shutdown',
    source: 'xfs/xfs_fsops.c xfs_do_force_shutdown(), from 3.x (xfs_alert)',
  },
  {
    id: 'xfs-shutdown-old',
    eras: ['2.4', '2.6'],
    layer: 'file-system',
    needles: ['Shutting down filesystem'],
    pattern: regex`(?:Filesystem "[^"\n]{1,64}": )?(?<what>(?:Log )?I/O Error Detected|All device paths lost|Corruption of in-memory data detected)\. {1,2}Shutting down filesystem: ${OLD_OR_NEW_DEVICE}`,
    effect: 'shutdown',
    source: 'xfs/xfs_fsops.c or xfs_rw.c xfs_do_force_shutdown(), 2.4 to 2.6.38',
  },
  {
    id: 'xfs-force-shutdown',
    eras: ['3', '4', '5', '6'],
    layer: 'file-system',
    needles: ['_force_shutdown('],
    pattern: regex`${XFS}xfs_do_force_shutdown\(0x(?<code>[\da-f]{1,8})\) called from line \d{1,6}`,
    effect: 'shutdown',
    source: 'xfs/xfs_fsops.c xfs_do_force_shutdown()',
  },
  {
    id: 'xfs-force-shutdown-old',
    eras: ['2.4', '2.6'],
    layer: 'file-system',
    needles: ['_force_shutdown('],
    pattern: regex`xfs_force_shutdown\(${OLD_OR_NEW_DEVICE},0x(?<code>[\da-f]{1,8})\) called from line \d{1,6}`,
    effect: 'shutdown',
    source: 'xfs/xfs_rw.c or xfs_fsops.c xfs_do_force_shutdown(), to 2.6.38',
  },
  {
    id: 'xfs-metadata-error',
    eras: ['2.6', '3', '4', '5', '6'],
    layer: 'file-system',
    needles: ['metadata I/O error'],
    pattern: regex`${XFS}metadata I/O error(?:: block 0x(?<block>[\da-f]{1,16})| in "(?<function>[^"\n]{1,96})" at daddr 0x[\da-f]{1,16})(?: \("[^"\n]{1,96}"\))?(?: len \d{1,10})? error (?<error>-?\d{1,5})`,
    effect: 'error',
    source: 'xfs/xfs_buf.c xfs_buf_ioerror_alert()',
  },
  {
    id: 'xfs-metadata-error-old',
    eras: ['2.4', '2.6'],
    layer: 'file-system',
    needles: ['I/O error in filesystem ("'],
    pattern: regex`I/O error in filesystem \("(?<device>[^"\n]{1,64})"\) meta-data dev \S{1,64} block 0x(?<block>[\da-f]{1,16})`,
    effect: 'error',
    tail: true,
    source: 'xfs/xfs_rw.c xfs_ioerror_alert(), to 2.6.38',
  },
  {
    id: 'xfs-log-error',
    eras: ['3', '4', '5', '6'],
    layer: 'journal',
    needles: ['log I/O error', 'xfs_log_force: error'],
    pattern: regex`${XFS}(?:log I/O error|xfs_log_force: error) (?<error>-?\d{1,5})`,
    effect: 'error',
    source: 'xfs/xfs_log.c xlog_ioend_work(), xfs_log_force()',
  },
];
