# What an administrator does on a guest of his, and what happens then. Run by systemd, once the guest is up. The disk
# that holds all this is the one that fails, so what is needed then lies in memory (not in /run, which Debian's initramfs
# mounts noexec).
say() { echo "LAB $*" >/dev/ttyS0; }
mptfix() { /opt/mptfix/node /opt/mptfix/bin/mptfix.cjs "$@"; }
mkdir -p /dev/shm/lab
cp /bin/busybox /dev/shm/lab/busybox
box=/dev/shm/lab/busybox

# One document a line, with its command's exit status before it.
document() {
  name=$1
  shift
  "$@" >/dev/shm/lab/out 2>/dev/shm/lab/err
  status=$?
  if ! [ -s /dev/shm/lab/out ]; then
    say "failed: $name ($status): $($box head -n 1 /dev/shm/lab/err)"
    return
  fi
  say "document $name $status $($box tr -d '\n' </dev/shm/lab/out)"
}
timeout_of() { cat /sys/block/sda/device/timeout; }

say "kernel $(uname -r)"
say "srcversion $(cat /sys/module/mptscsih/srcversion)"
state=$(systemctl is-system-running)
[ "$state" = running ] || say "failed: systemd is $state: $(systemctl --failed --no-legend)"
document check mptfix check --json
document status mptfix status --json

# Both policies, as they are now, after a new disk event, and put back.
say "timeout before $(timeout_of)"
document hardened mptfix harden --apply errors=remount-ro timeout=180 --yes --json
say "timeout hardened $(timeout_of)"
echo 30 >/sys/block/sda/device/timeout
udevadm trigger --settle --action=add /sys/block/sda
say "timeout replugged $(timeout_of)"
document softened mptfix harden --undo --yes --json
say "timeout undone $(timeout_of)"

# What the watch leaves when it is taken away again: nothing.
things() { find /etc /var/lib /run/systemd/system /run/mptfix 2>/dev/null | sort; }
things >/dev/shm/lab/things
document tested mptfix watch test-mail --json
document installed mptfix watch install --yes --json
document uninstalled mptfix watch uninstall --yes --json
things | diff /dev/shm/lab/things - >/dev/shm/lab/left || say "failed: left: $($box tr '\n' ' ' </dev/shm/lab/left)"
document installed mptfix watch install --yes --json
systemctl list-timers --no-legend mptfix-watch.timer >/dev/shm/lab/timers
say "timers $($box tr '\n' ' ' </dev/shm/lab/timers)"

sync
writes=$(cat /opt/lab/writes)
$box sh -c '
  n=1
  while [ "$n" -le "$1" ]; do
    if $0 dd if=/dev/zero of="/opt/lab/file$n" bs=4096 count=1 conv=fsync 2>/dev/shm/lab/said; then
      echo "LAB write $n ok"
    else
      echo "LAB write $n failed: $($0 grep -v records /dev/shm/lab/said | $0 tail -n 1)"
    fi
    n=$((n + 1))
    $0 sleep 1
  done >/dev/ttyS0
  echo "LAB mount $($0 grep " / " /proc/mounts)" >/dev/ttyS0
' $box "$writes"

# Long enough for the watch to have looked again; from its copy in memory.
$box sleep "$(cat /opt/lab/patience 2>/dev/null || echo 75)"
watch=/run/mptfix/memory
export LD_LIBRARY_PATH=$watch/lib
in_memory() { $watch/node $watch/bin/mptfix.cjs "$@"; }
document watched in_memory watch once --json
document diagnose in_memory diagnose --json
document recover in_memory recover --json
say end
# The serial line is slow, and a reset does not wait for it.
$box sleep 5
echo b >/proc/sysrq-trigger
