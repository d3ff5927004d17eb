# WRITES BUSYBOX: writes and syncs a file a second to a disk that may fail. Runs from memory.
n=1
while [ "$n" -le "$1" ]; do
  if "$2" dd if=/dev/zero of="/opt/lab/file$n" bs=4096 count=1 conv=fsync 2>/dev/null; then
    echo "LAB write $n ok" >/dev/ttyS0
  else
    echo "LAB write $n failed" >/dev/ttyS0
  fi
  n=$((n + 1))
  "$2" sleep 1
done
