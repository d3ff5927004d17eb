import { failurePart } from './failure/part.ts';
import { legacyPart } from './legacy/part.ts';
import { matrixPart } from './matrix/part.ts';
import { reportPart } from './matrix/report/part.ts';
import type { Part } from './part.ts';
import { powerPart } from './power/part.ts';
import { rebootPart } from './reboot/part.ts';
import { systemdPart } from './systemd/part.ts';

/** What `npm run lab -- NAME` runs; without a name, those that are not `onlyByName`, in this order. */
export const PARTS: Readonly<Record<string, Part>> = {
  failure: failurePart,
  legacy: legacyPart,
  systemd: systemdPart,
  matrix: matrixPart,
  report: reportPart,
  power: powerPart,
  reboot: rebootPart,
};
