# Mounts the disk as a guest of 2007 did, and writes to it while it answers BUSY.
mkdir /disk
tries=0
until [ -b /dev/sda ] || [ "$tries" -ge 60 ]; do
  sleep 1
  tries=$((tries + 1))
done
mount -t ext4 -o errors=remount-ro /dev/sda /disk || { echo 'LAB failed: mount'; reboot -f; }
echo "LAB kernel $(uname -r)"
echo "LAB srcversion $(cat /sys/module/mptscsih/srcversion)"

# The watch of Node, and the one for guests without: before the failure, and after it.
echo '/dev/sda /disk ext4 errors=remount-ro 0 2' >/etc/fstab
watched() {
  /mptfix/node /mptfix/bin/mptfix.cjs watch once --json >/tmp/watch 2>&1
  echo "LAB watch $1 $?"
  sh /mptfix/mptfix-watch.sh root@localhost >/tmp/watch 2>&1
  echo "LAB watch sh-$1 $?"
}
watched before

n=1
while [ "$n" -le "$(cat /writes)" ]; do
  if dd if=/dev/zero of="/disk/file$n" bs=4096 count=1 conv=fsync 2>/tmp/said; then
    echo "LAB write $n ok"
  else
    echo "LAB write $n failed: $(grep -v records /tmp/said | tail -n 1)"
  fi
  n=$((n + 1))
  sleep 1
done
echo "LAB mount $(grep ' /disk ' /proc/mounts)"
watched after
