import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What the test routine does with a BUSY status in its SUCCESS case. */
export interface RoutineShape {
  /** The host byte that a BUSY gets; undefined for none, as in a corrected driver. */
  readonly busyHostByte?: number;
  /** The host byte of a lost SAS nexus, stored without a status. */
  readonly nexusHostByte?: number;
  readonly functionName?: string;
}

/**
 * C of a completion routine with the outlines of the driver's: a switch on the adapter's status in which each case
 * gives a host byte, with the underrun case that stores a bare BUSY. It needs no headers, so that it compiles for 32
 * bits without a 32-bit C library.
 */
export function routineSource(shape: RoutineShape): string {
  const busy =
    shape.busyHostByte === undefined
      ? 'sc->result = (0 << 16) | scsi_status;'
      : `if (scsi_status == 0x08) sc->result = (${shape.busyHostByte} << 16) | scsi_status;
         else sc->result = (0 << 16) | scsi_status;`;
  const nexus =
    shape.nexusHostByte === undefined
      ? ''
      : `if ((info & 0xffff0000) == 0x31170000) { sc->result = (${shape.nexusHostByte} << 16); break; }`;
  return `
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
struct command { void *owner; char space[280]; int result; u32 underflow; u32 wanted; int resid; u8 sense[16]; };
struct adapter { int bus; struct command *commands[64]; void (*done)(struct command *); };
struct reply { u16 index; u16 status; u8 state; u8 scsi_status; u32 count; u32 info; };
extern int say(const char *text, ...);
extern void report_full(struct command *sc, struct reply *mr);
extern void copy_sense(struct command *sc, struct reply *mr);
int ${shape.functionName ?? 'mptscsih_io_done'}(struct adapter *ioc, struct reply *mf, struct reply *mr)
{
  struct command *sc = ioc->commands[mf->index & 63];
  if (sc == (void *)0) { say("no command"); return 1; }
  if (sc->owner != mf) return 1;
  sc->result = 0 << 16;
  if (mr != (void *)0) {
    u32 count = mr->count, info = mr->info;
    u16 status = mr->status & 0x7fff;
    u8 state = mr->state, scsi_status = mr->scsi_status;
    sc->resid = sc->wanted - count;
    if (status == 0x45 && count == 0 && (scsi_status == 0x08 || scsi_status == 0x18 || scsi_status == 0x28))
      status = 0;
    if (state & 1) copy_sense(sc, mr);
    switch (status) {
    case 0x02: case 0x06: sc->result = 8; break;
    case 0x41: case 0x42: sc->result = 4 << 16; break;
    case 0x43: sc->result = 1 << 16; break;
    case 0x4b: if (ioc->bus == 2) { ${nexus} }
    case 0x48: case 0x4c: sc->result = 8 << 16; break;
    case 0x49:
      if (count == 0 || sc->underflow > count) sc->result = 11 << 16;
      else sc->result = (0 << 16) | scsi_status;
      say("mismatch: result=%x", sc->result);
      break;
    case 0x45:
      sc->result = (0 << 16) | scsi_status;
      if (!(state & 1)) {
        if (count < sc->underflow) {
          if (scsi_status == 0x08) sc->result = 8;
          else sc->result = 11 << 16;
        }
        if (state & 6) sc->result = 11 << 16;
        else if (state & 8) sc->result = 8 << 16;
      }
      if (scsi_status == 0x28) report_full(sc, mr);
      break;
    case 0x44: sc->resid = 0;
    case 0x40: case 0x00:
      ${busy}
      if (state == 0) { ; }
      else if (state & 1) { if (mr->scsi_status == 0x28) report_full(sc, mr); }
      else if (state & 6) sc->result = 11 << 16;
      else if (state & 8) sc->result = 8 << 16;
      if (sc->result == 0x28) report_full(sc, mr);
      break;
    case 0x47: sc->result = 11 << 16; break;
    default: sc->result = 11 << 16; break;
    }
  }
  ioc->done(sc);
  return 1;
}
`;
}

const run = promisify(execFile);

/** Compiles C or assembler text (`language` as gcc's -x takes it) to a relocatable file. */
export async function compile(
  source: string,
  flags: readonly string[],
  language: 'c' | 'assembler' = 'c',
): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'mptfix-compile-'));
  try {
    const input = join(folder, language === 'c' ? 'routine.c' : 'routine.s');
    const output = join(folder, 'routine.o');
    await writeFile(input, source);
    await run('gcc', [
      '-c',
      '-w',
      '-ffreestanding',
      '-fno-pic',
      ...flags,
      '-x',
      language,
      input,
      '-o',
      output,
    ]);
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
