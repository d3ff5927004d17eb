#!/bin/busybox sh
# The first program of a guest of the lab: loads the modules, and runs the script of whatever is to be seen. What it says
# in lines that begin with LAB is what the lab reads.
/bin/busybox mkdir -p /bin /sbin /proc /sys /dev /tmp /run /etc
/bin/busybox --install -s /bin
PATH=/bin:/sbin
export PATH
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
echo 7 >/proc/sys/kernel/printk

while read -r module; do
  insmod "/modules/$module" || echo "LAB failed: insmod $module"
done </modules/order

. /script.sh
echo 'LAB end'
reboot -f
