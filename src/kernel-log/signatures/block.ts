import { DEVICE, ofLayer, regex } from '../signature.ts';

/** Names of errors in `blk_errors[]` and in older kernels; `I/O` is the one of a lost path. */
const ERROR_NAMES =
  'I/O|recoverable transport|critical target|critical nexus|reservation conflict|critical medium|critical space allocation|timeout|protection|kernel resource|device resource|device offline|operation not supported|nonblocking retry|dm internal retry|zone active resource|zone open resource|duration limit exceeded|invalid';

/** The block layer and the buffer cache. */
export const BLOCK_SIGNATURES = ofLayer('block', [
  {
    id: 'block-error-2.4',
    eras: ['2.4'],
    needles: ['I/O error: dev '],
    pattern: regex`I/O error: dev (?<kdev>[\da-f]{2}:[\da-f]{2}), sector (?<sector>\d{1,20})`,
    source: 'scsi_lib.c __scsi_end_request(), 2.4',
  },
  {
    id: 'block-error-2.4-name',
    eras: ['2.4'],
    needles: ['end_request: I/O error, dev '],
    pattern: regex`end_request: I/O error, dev (?<kdev>[\da-f]{2}:[\da-f]{2}) \([^)\n]{1,32}\), sector (?<sector>\d{1,20})`,
    source: 'll_rw_blk.c end_that_request_first(), 2.4',
  },
  {
    id: 'block-error',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: [' error, dev '],
    pattern: regex`(?:(?:end_request|blk_update_request|print_req_error|blk_print_req_error): )?(?<what>${ERROR_NAMES}) error, dev (?<device>${DEVICE}), sector (?<sector>\d{1,20})(?: op 0x[\da-f]{1,4}:\((?<operation>\w{1,32})\))?(?: flags 0x[\da-f]{1,8}| flags [\da-f]{1,8})?(?: phys_seg \d{1,10})?(?: prio class \d{1,5})?`,
    source:
      'll_rw_blk.c end_request() 2.6, blk-core.c blk_update_request() 3.10, print_req_error() 4.14, blk-mq.c blk_print_req_error() 5.16',
  },
  {
    id: 'buffer-error',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Buffer I/O error on dev'],
    pattern: regex`Buffer I/O error on dev(?:ice)? (?<device>${DEVICE}), logical block (?<block>\d{1,20})(?:, (?<operation>(?:lost )?a?sync page (?:read|write)))?`,
    source: 'buffer.c buffer_io_error(); "on dev" from 3.15',
  },
  {
    id: 'lost-page-write',
    eras: ['2.6', '3'],
    needles: ['lost page write due to I'],
    pattern: regex`lost page write due to I/?O error on (?<device>${DEVICE})`,
    source: 'buffer.c end_buffer_write_sync(), to 3.14; btrfs volumes.c',
  },
  {
    id: 'suppressed',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: [' callbacks suppressed'],
    pattern: regex`(?<function>end_request|blk_update_request|print_req_error|blk_print_req_error|buffer_io_error|quiet_error|scsi_io_completion\w{0,16}): (?<count>\d{1,10}) callbacks suppressed`,
    source: 'lib/ratelimit.c ___ratelimit(): that many more errors were not printed',
  },
  {
    id: 'task-blocked',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: [' blocked for more than '],
    pattern: regex`INFO: task (?<process>\S{1,64}):\d{1,10} blocked for more than (?<seconds>\d{1,10}) seconds`,
    source: 'kernel/hung_task.c check_hung_task(): I/O waits, as it does while the storage is BUSY',
  },
]);

const MAP = String.raw`(?<map>[\w.+-]{1,128})`;

/** drivers/md/dm-mpath.c and the daemon multipathd. */
export const MULTIPATH_SIGNATURES = ofLayer('multipath', [
  {
    id: 'path-failing',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Failing path'],
    pattern: regex`device-mapper: (?:dm-)?multipath: (?:\d{1,5}:\d{1,8}: )?Failing path (?<devt>\d{1,5}:\d{1,8})`,
    source: 'dm-mpath.c fail_path()',
  },
  {
    id: 'path-reinstated',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Reinstating path'],
    pattern: regex`device-mapper: (?:dm-)?multipath: (?:\d{1,5}:\d{1,8}: )?Reinstating path (?<devt>\d{1,5}:\d{1,8})`,
    source: 'dm-mpath.c reinstate_path(), from 4.6',
  },
  {
    id: 'paths-remaining',
    eras: ['multipathd'],
    needles: ['remaining active paths'],
    pattern: regex`${MAP}: remaining active paths: (?<paths>\d{1,6})`,
    source: 'libmultipath/structs_vec.c update_queue_mode_del_path()',
  },
  {
    id: 'path-marked-failed',
    eras: ['multipathd'],
    needles: ['mark as failed'],
    pattern: regex`(?<devt>\d{1,5}:\d{1,8}): mark as failed`,
    source: 'libmultipath, multipathd/main.c',
  },
  {
    id: 'checker-failed-path',
    eras: ['multipathd'],
    needles: ['checker failed path'],
    pattern: regex`checker failed path (?<devt>\d{1,5}:\d{1,8}) in map ${MAP}`,
    source: 'multipathd/main.c fail_path()',
  },
  {
    id: 'checker-path-down',
    eras: ['multipathd'],
    needles: [' path is down'],
    pattern: regex`(?:[\w.+-]{1,128}: )?(?<device>${DEVICE})(?:: | - )(?<what>\w{1,32}) checker reports path is down`,
    source: 'libmultipath/checkers: MSG_…_DOWN',
  },
  {
    id: 'queueing-disabled',
    eras: ['multipathd'],
    needles: ['isable queueing'],
    pattern: regex`${MAP}: [Dd]isable queueing`,
    source: 'libmultipath/structs_vec.c: no_path_retry is used up, I/O fails from now on',
  },
]);
