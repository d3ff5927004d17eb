# Excludes every other run of such a file by a link, and mptfix by what mptfix locks. Whoever looks has announced itself first.
# Descriptor 9 stays open in all that is started: a program that outlives a killed run holds the lock, or is seen there.
lock() {
  if [ ! -d "$root/var/lib" ]; then
    die 3 E_TARGET_MISSING "${root:-/} has no /var/lib" 'give --root the folder that holds the whole / of the guest'
  fi
  if [ ! -d "$root/lib/modules" ]; then
    die 3 E_KERNEL_UNKNOWN "${root:-this guest} has no /lib/modules" 'give --root the folder that holds the whole / of the guest'
  fi
  require_within
  lib_time=$(time_of "$root/var/lib")
  had_state=
  [ ! -d "$state" ] || had_state=1
  lock_link=$root/var/lib/mptfix-lock
  me=$$.$(started $$)
  take_link "$lock_link" 4
  locked=1
  exec 9<"$root/lib/modules"
  hold_folder
  case $? in 1) is_locked 'another run' ;; esac
  other=$(at_work)
  [ -z "$other" ] || is_locked "process $other, of another run or left by one,"
}

is_locked() {
  die 12 E_LOCKED "$1 is at work on ${root:-this guest}" "${2:-wait until it has finished, then run the command again}"
}

# take_link LINK DEPTH: made at once with all that it says, or not at all. Of several that find one of a dead process, the one
# that makes the link of that name takes it over.
take_link() {
  for try in 1 2 3; do
    ln -s "$me" "$1" 2>/dev/null && return 0
    holder=$(link_text "$1")
    [ -z "$holder" ] || break
  done
  case $holder in
  '') die 3 E_READ_ONLY "$root/var/lib cannot be written to" 'see that the storage answers again; then check the file system and mount it writable (a reboot with a forced check), and run the command again' ;;
  [1-9]*.*[!0-9]* | *[!0-9.]* | .*) is_locked "what has made $1" "see what it is; then: $(typed_shell rm "$1")" ;;
  esac
  if is_running "$holder"; then
    is_locked "another run (process ${holder%%.*})" "wait until it has finished, then run the command again${unsure:+; if that process is another program: $(typed_shell rm "$1")}"
  fi
  [ "$2" -gt 0 ] || is_locked "what has made $1" "if nothing is at work: $(typed_shell rm "$1"*)"
  set -- "$1" "$2" "$holder"
  take_link "$1-$3" $(($2 - 1))
  if [ "$(link_text "$1")" = "$3" ]; then
    mv -f "$1-$3" "$1" && return 0
  fi
  rm -f "$1-$3"
  take_link "$1" $(($2 - 1))
}

link_text() {
  ls -l "$1" 2>/dev/null | sed 's/.* -> //'
}

# is_running NUMBER.BEGINNING: a number that was given again is another process. Without /proc it cannot be told.
is_running() {
  unsure=
  began=$(started "${1%%.*}")
  case $began in
  gone) return 1 ;;
  '') ;;
  *)
    [ -z "${1#*.}" ] || [ "$began" = "${1#*.}" ]
    return $?
    ;;
  esac
  unsure=1
  kill -0 "${1%%.*}" 2>/dev/null
}

# When a process began, by the kernel's clock; one that has ended and was not waited for is gone, too.
started() {
  [ -f /proc/self/stat ] || return 0
  [ -d "/proc/$1" ] || {
    printf gone
    return $?
  }
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{ print $1 ~ /^[ZX]/ ? "gone" : $20 }'
}

# As mptfix does, on what mptfix locks. 1: another has it. Where neither program is there, at_work sees it.
hold_folder() {
  flock -n 8 8<&9 2>/dev/null
  case $? in 0) return 0 ;; 1) return 1 ;; esac
  perl -e 'open(F, "<&=8") or exit 2; exit(flock(F, 6) ? 0 : $! == 11 ? 1 : 2)' 8<&9 2>/dev/null
  case $? in 0) return 0 ;; 1) return 1 ;; esac
  return 2
}

# The first other process that has the folder open as a run of this file has it, or as mptfix's flock has. Its path may be
# another one there, as from another root; what the folder is tells its number.
at_work() {
  exec 9<&-
  folder=$(cd "$root/lib/modules" && pwd -P)
  inode=$(inode_of "$folder/.")
  ls -l /proc/[0-9]*/fd 2>/dev/null | name=${folder##*/} awk -v self=$$ '
    /^\/proc\/[0-9]+\/fd:$/ { split($0, part, "/"); process = part[3] }
    process != self {
      at = index($0, " -> ")
      link = substr($0, at + 4); sub(/.*\//, "", link)
      if (!at || link != ENVIRON["name"]) next
      number = substr($0, 1, at - 1); sub(/.* /, "", number)
      print process, number
    }
  ' | while read -r process number; do
    [ "$(inode_of "/proc/$process/fd/$number")" = "$inode" ] || continue
    case $number:$(cat "/proc/$process/stat" 2>/dev/null) in
    [89]:?* | *:*'(flock) '*)
      printf '%s' "$process"
      break
      ;;
    esac
  done
}

inode_of() {
  ls -Ldi "$1" 2>/dev/null | awk '{ print $1 }'
}

# The folder's time is given back where nothing else has changed it.
unlock() {
  [ "$(link_text "$lock_link")" != "$me" ] || rm -f "$lock_link"
  if [ -n "$had_state" ] || [ ! -d "$state" ]; then set_time "$root/var/lib" "$lib_time"; fi
}

# No folder of a tree may lead out of it.
require_within() {
  [ -n "$root" ] || return 0
  for place in /lib/modules "/lib/modules/$RELEASE" "${MODULE_PATH%/*}" /boot /var/lib /var/lib/initramfs-tools; do
    [ -d "$root$place" ] || continue
    case $(cd "$root$place" && pwd -P) in
    "$root"/*) ;;
    *) die 3 E_TREE_ESCAPES "$place leads out of $root" 'see where its links lead' ;;
    esac
  done
}

require_root() {
  [ "$(id -u)" = 0 ] || die 3 E_NOT_ROOT 'only root can do this' "as root (su, or sudo -s): $(typed_same)"
}

require_guest() {
  if [ -z "$root" ]; then
    machine=$(uname -m)
    case "$machine:$ARCH" in
    x86_64:x86_64 | i?86:i386 | x86_64:i386) ;;
    *) die 3 E_ARCH_UNSUPPORTED "this is $machine, and the module is for $ARCH" "$(built_for this guest)" ;;
    esac
    running=$(uname -r)
    [ "$running" = "$RELEASE" ] || [ -n "$force" ] ||
      die 3 E_KERNEL_UNKNOWN "this kernel is $running, and the module is for $RELEASE" "$(built_for "the kernel $running")"
  fi
  [ -d "$root/lib/modules/$RELEASE" ] ||
    die 3 E_KERNEL_UNKNOWN "${root:-this guest} has no kernel $RELEASE, for which the module was made" "$(built_for its kernel)"
  [ -f "$root$MODULE_PATH" ] ||
    die 3 E_MODULE_MISSING "there is no $MODULE_PATH" "see which guest this file was made for: $(typed_shell sh "$itself" --version)"
  require_within
  if [ -n "$root" ] && [ -h "$root$MODULE_PATH" ]; then die 3 E_TREE_ESCAPES "$MODULE_PATH is a link, which may lead out of $root" 'see where its links lead'; fi
}

# old: what the proofs compared with. new: what this file holds. other: neither.
module_is() {
  case $(sha256_of "$root$MODULE_PATH") in
  "$OLD_SHA256") printf old ;;
  "$NEW_SHA256") printf new ;;
  *) printf other ;;
  esac
}

# in_guest PROGRAM WORD...: of a tree its own.
in_guest() {
  if [ -n "$root" ]; then chroot "$root" "$@"; else "$@"; fi
}

has_program() {
  for bin in /sbin /usr/sbin /bin /usr/bin /usr/local/sbin /usr/local/bin; do
    [ ! -x "$root$bin/$1" ] || return 0
  done
  return 1
}

# run_depmod [RELEASE]
run_depmod() {
  in_guest depmod -a "${1:-$RELEASE}" </dev/null >/dev/null 2>&1
}

# Whether the index leads to the module, and to no second one.
is_indexed() {
  awk -F : -v path="$MODULE_PATH" -v release="$RELEASE" -v name="$MODULE" '
    # A long line of an old depmod goes on in the next: what stands there is only needed by another.
    index($0, ":") == 0 { next }
    {
      file = $1; sub(/.*\//, "", file)
      if (file !~ ("^" name "\\.k?o(\\.(gz|xz|zst|bz2))?$")) next
      whole = $1 ~ /^\// ? $1 : "/lib/modules/" release "/" $1
      if (whole == path) found++; else other++
    }
    END { exit !(found == 1 && !other) }
  ' "$root/lib/modules/$RELEASE/modules.dep" 2>/dev/null
}
