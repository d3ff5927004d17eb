import { DEVICE, ofLayer, regex } from '../signature.ts';

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
    pattern: regex`(?<device>${DEVICE})(?:: | - )(?<what>\w{1,32}) checker reports path is down`,
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
