/** The adapter that the driver of all this is for: QEMU emulates an LSI SAS1068, which has eight ports. */
export const ADAPTER = ['-device', 'mptsas1068,id=adapter'] as const;

/** A disk behind the adapter that answers with whatever SCSI status an iSCSI target gives (`iscsi://HOST:PORT/TARGET/LUN`). */
export function passThroughDisk(url: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(url)},if=none,id=disk,format=raw`],
    ...['-device', 'scsi-generic,drive=disk,bus=adapter.0'],
  ];
}

/** A disk of an image, in one of the adapter's ports. */
export function scsiDisk(port: number, image: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(image)},if=none,id=disk${port},format=raw,cache=unsafe`],
    ...['-device', `scsi-hd,drive=disk${port},bus=adapter.0,wwn=${worldWideName(port)}`],
  ];
}

/** A CD-ROM drive in one of the adapter's ports, with a disc in it. */
export function cdRom(port: number, image: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(image)},if=none,id=disc${port},format=raw,media=cdrom,readonly=on`],
    ...['-device', `scsi-cd,drive=disc${port},bus=adapter.0,wwn=${worldWideName(port)}`],
  ];
}

/** Without one a device has no SAS address, and the driver passes it over. */
function worldWideName(port: number): string {
  return `0x5000c5000000000${port.toString(16)}`;
}

/** A comma would begin QEMU's next option. */
function escaped(path: string): string {
  return path.replaceAll(',', ',,');
}
