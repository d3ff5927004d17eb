#!/bin/busybox sh
# The first program of a guest of the lab: loads the modules, and runs the script of whatever is to be seen. What it says
# in lines that begin with LAB is what the lab reads.
/bin/busybox mkdir -p /bin /sbin /proc /sys /dev /tmp /run /etc
/bin/busybox --install -s /bin
PATH=/bin:/sbin
export PATH
mount -t proc proc /proc
mount -t sysfs sysfs /sys
# Kernels before 2.6.32 have none.
if ! grep -q devtmpfs /proc/filesystems || ! mount -t devtmpfs dev /dev; then
  mknod /dev/null c 1 3
  mknod /dev/kmsg c 1 11
  [ -c /dev/console ] || mknod /dev/console c 5 1
  exec </dev/console >/dev/console 2>&1
fi
echo 7 >/proc/sys/kernel/printk

while read -r module; do
  insmod "/modules/$module" || echo "LAB failed: insmod $module"
done </modules/order

. /script.sh
echo 'LAB end'
reboot -f
