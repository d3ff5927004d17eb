# Mounts the disk, writes to it while its path fails, and reads back. What it tells goes through the kernel's log, so
# that no message of the kernel's stands within a line.
. /settings
[ -c /dev/kmsg ] || mknod /dev/kmsg c 1 11
tell() {
  echo "LAB $*" >/dev/kmsg
}
# Hundredths of a second since the machine booted.
clock() {
  read -r clock idle </proc/uptime
  clock=${clock%.*}${clock#*.}
}
content() {
  yes "mptfix lab, $mark, write $1" | head -c 4096
}

mkdir /disk
tries=0
until [ -e /sys/block/sda ] || [ "$tries" -ge 60 ]; do
  sleep 1
  tries=$((tries + 1))
done
[ -b /dev/sda ] || mknod /dev/sda b 8 0
mount -t "$type" -o "$options" /dev/sda /disk || {
  tell 'failed: mount'
  reboot -n -f
}
tell "kernel $(uname -r)"
tell "srcversion $(cat /sys/module/mptscsih/srcversion)"

echo "/dev/sda /disk $type $options 0 2" >/etc/fstab
watched() {
  sh /mptfix/mptfix-watch.sh root@localhost >/tmp/watch 2>&1
  tell "watch $1 $?"
}
watched before

n=1
stop=
while [ -z "$stop" ] || [ "$clock" -lt "$stop" ]; do
  content "$n" >/tmp/content
  clock
  began=$clock
  if dd if=/tmp/content of="/disk/file$n" bs=4096 count=1 conv=fsync 2>/tmp/said; then
    clock
    tell "write $n $began $clock ok"
    done="$done $n"
  else
    clock
    tell "write $n $began $clock failed: $(grep -v records /tmp/said | tail -n 1)"
  fi
  # The failure begins with the last of the writes before it.
  [ "$n" -ne "$before" ] || stop=$((clock + more * 100))
  n=$((n + 1))
  sleep 1
done
tell "mount $(grep ' /disk ' /proc/mounts)"
watched after

echo 3 >/proc/sys/vm/drop_caches
for n in $done; do
  content "$n" >/tmp/content
  if ! cat "/disk/file$n" >/tmp/found 2>/dev/null; then
    tell "read $n unreadable"
  elif ! cmp -s /tmp/content /tmp/found; then
    tell "read $n different"
  fi
done
# The power goes off: nothing that an fsync has not brought to the disk may be missed.
tell end
reboot -n -f
