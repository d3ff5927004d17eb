/** The adapter that the driver of all this is for: QEMU emulates an LSI SAS1068. */
export const ADAPTER = ['-device', 'mptsas1068,id=adapter'] as const;

/** A disk behind the adapter that answers with whatever SCSI status an iSCSI target gives (`iscsi://HOST:PORT/TARGET/LUN`). */
export function passThroughDisk(url: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(url)},if=none,id=disk,format=raw`],
    ...['-device', 'scsi-generic,drive=disk,bus=adapter.0'],
  ];
}

/** A disk behind the adapter, of an image; names begin with a letter. */
export function scsiDisk(name: string, image: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(image)},if=none,id=${name},format=raw,cache=unsafe`],
    ...['-device', `scsi-hd,drive=${name},bus=adapter.0`],
  ];
}

/** A CD-ROM drive behind the adapter, with a disc in it. */
export function cdRom(image: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(image)},if=none,id=disc,format=raw,media=cdrom,readonly=on`],
    ...['-device', 'scsi-cd,drive=disc,bus=adapter.0'],
  ];
}

/** A comma would begin QEMU's next option. */
function escaped(path: string): string {
  return path.replaceAll(',', ',,');
}
