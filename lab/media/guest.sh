# File systems that are read-only on purpose, and file systems whose disk fails: what the watches say of them.
# The console is for the lab's lines alone; the kernel's messages stay in its buffer.
echo 1 >/proc/sys/kernel/printk
export DM_DISABLE_UDEV=1
mptfix() { /mptfix/node /mptfix/bin/mptfix.cjs "$@"; }

# One document a line, with its command's exit status before it.
document() {
  name=$1
  shift
  "$@" >/tmp/out 2>/tmp/err
  status=$?
  if ! [ -s /tmp/out ]; then
    echo "LAB failed: $name ($status): $(head -n 1 /tmp/err)"
    return
  fi
  echo "LAB document $name $status $(tr -d '\n' </tmp/out)"
}
in_shell() {
  sh /mptfix/mptfix-watch.sh root@localhost >/tmp/out 2>/tmp/err
  echo "LAB shell $1 $? $(grep -o '/data/[a-z0-9]*' /tmp/out /tmp/err | sed 's/.*://' | sort -u | tr '\n' ' ')"
}
# Both ways in which it reads the kernel's messages: by the dmesg of busybox, and with a dd that can read /dev/kmsg.
both_in_shell() {
  in_shell "$1"
  PATH=/usr/bin:$PATH in_shell "$1-records"
}
# Has the kernel print these words, as any user can: by the name of an option that a file system does not know, on one
# line and after a line break. And as a program says them, where a machine lets users write to /dev/kmsg.
forge() {
  for option in "$1" "a
$1
b"; do
    as_user /usr/bin/unshare -Urm /usr/bin/mount -t tmpfs -o "$option" tmpfs /tmp 2>/dev/null
  done
  as_user /bin/sh -c 'echo "<3>$0" >/dev/kmsg' "$1"
}
as_user() { /usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
must() { "$@" >/tmp/must 2>&1 || echo "LAB failed: $*: $(head -n 1 /tmp/must)"; }

tries=0
until [ -b /dev/sdd ] && [ -b /dev/sr0 ] || [ "$tries" -ge 60 ]; do
  sleep 1
  tries=$((tries + 1))
done
echo "LAB kernel $(uname -r)"

# Media that can only be read: the disc in its drive, the others by loop.
mkdir -p /media/iso9660
must mount -t iso9660 -o ro /dev/sr0 /media/iso9660
for type in squashfs erofs romfs udf; do
  mkdir -p "/media/$type"
  must mount -t "$type" -o loop,ro "/images/$type" "/media/$type"
done
echo "LAB read $(cat /media/*/file | sort | uniq -c | sed 's/^ *//')"

# Four disks below the device-mapper, as LVM has them.
: >/etc/fstab
for disk in sda sdb sdc sdd; do
  type=$(blkid "/dev/$disk" | sed -n 's/.*LABEL="\([a-z0-9]*\)".*/\1/p')
  sectors=$(cat "/sys/block/$disk/size")
  echo "0 $sectors linear /dev/$disk 0" >"/tmp/well.$type"
  # From now on each write fails, and what is there can be read.
  echo "0 $sectors flakey /dev/$disk 0 0 3600 1 error_writes" >"/tmp/failing.$type"
  must dmsetup create "vg0-$type" --addnodeoncreate "/tmp/well.$type"
  mkdir -p "/data/$type"
  options=defaults
  case $type in ext*) options=errors=remount-ro ;; esac
  must mount -t "$type" -o "$(echo $options | sed 's/defaults/rw/')" "/dev/mapper/vg0-$type" "/data/$type"
  echo "/dev/mapper/vg0-$type /data/$type $type $options 0 2" >>/etc/fstab
done

# And what an administrator made read-only himself.
mkdir -p /bind /union /lower /fixed
must mount -t ext4 -o loop,ro /images/fixed /fixed
echo '/images/fixed /fixed ext4 loop,ro 0 0' >>/etc/fstab
must mount --bind /data/ext4 /bind
must mount -o remount,bind,ro /bind
must mount -t overlay -o lowerdir=/media/squashfs:/lower overlay /union

document before mptfix watch once --probe --json
in_shell before
document harden mptfix harden --json

chmod 666 /dev/kmsg
forge 'EXT4-fs (dm-0): Remounting filesystem read-only'
forge 'Aborting journal on device dm-1-8.'
forge 'XFS (dm-2): Log I/O Error Detected.  Shutting down filesystem'
forge 'BTRFS info (device dm-3): forced readonly'
forge 'sd 0:0:0:0: SCSI error: return code = 0x00020008'
forge 'I/O error, dev sda, sector 8 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2'
document forged mptfix watch once --json
both_in_shell forged
document forged-diagnose mptfix diagnose --json

switch() {
  must dmsetup suspend --noflush --nolockfs "vg0-$1"
  must dmsetup load "vg0-$1" "/tmp/$2.$1"
  must dmsetup resume "vg0-$1"
}
for type in ext3 ext4 xfs btrfs; do
  switch "$type" failing
  n=0
  # Each gives up in its own time: when its journal or its log has to be written.
  while [ "$n" -lt 3 ]; do
    dd if=/dev/zero of="/data/$type/file$n" bs=4096 count=4 conv=fsync 2>/dev/null
    sync -f "/data/$type" 2>/dev/null || sync
    n=$((n + 1))
  done
  echo "LAB mounted $type $(grep " /data/$type " /proc/mounts)"
  document "$type" mptfix watch once --json
  in_shell "$type"
done
document diagnose mptfix diagnose --json
document away mptfix recover --json

for disk in dm-0 dm-1; do
  forge "EXT4-fs ($disk): mounted filesystem 0f5c with ordered data mode. Quota mode: none."
  forge "EXT4-fs ($disk): re-mounted 0f5c r/w. Quota mode: none."
done
forge 'XFS (dm-2): Ending clean mount'
forge 'BTRFS info (device dm-3): first mount of filesystem 0f5c'
document cleared mptfix watch once --json
both_in_shell cleared
echo "LAB forged $(dmesg | grep -c "tmpfs: Unknown parameter '") by mount, $(/bin/dmesg -r | grep -c '^<11>') by /dev/kmsg"

# The disks answer again, but what has given up stays so.
for type in ext3 ext4 xfs btrfs; do
  switch "$type" well
done
document recover mptfix recover --json
for type in ext3 ext4; do
  mount -o remount,rw "/data/$type" 2>/dev/null
  (echo x >"/data/$type/x") 2>/dev/null && echo "LAB failed: $type took a remount"
done

# Unmounted, checked and mounted, all is over.
umount /bind
for type in ext3 ext4 xfs btrfs; do
  must umount "/data/$type"
  case $type in ext*) e2fsck -fy "/dev/mapper/vg0-$type" >/dev/null 2>&1 ;; esac
  must mount -t "$type" "/dev/mapper/vg0-$type" "/data/$type"
done
document after mptfix watch once --probe --json
in_shell after
