lock() {
  if [ ! -d "$root/var/lib" ]; then
    die 3 E_TARGET_MISSING "${root:-/} has no /var/lib" 'give --root the folder that holds the whole / of the guest'
  fi
  # mptfix locks this folder so; without flock(1) there is only the link below.
  if flock --version >/dev/null 2>&1; then
    exec 9<"$root/lib/modules"
    flock -n 9 2>/dev/null || die 12 E_LOCKED "another run is at work on ${root:-this guest}" 'wait until it has finished, then run the command again'
  fi
  lock_link=$root/var/lib/mptfix-lock
  me=$$.$(started $$)
  for try in 1 2 3; do
    # A link is made at once with all that it says, or not at all.
    if ln -s "$me" "$lock_link" 2>/dev/null; then
      locked=1
      return
    fi
    holder=$(ls -l "$lock_link" 2>/dev/null | sed 's/.* -> //')
    [ -n "$holder" ] || break
    if kill -0 "${holder%%.*}" 2>/dev/null && [ "$(started "${holder%%.*}")" = "${holder#*.}" ]; then
      die 12 E_LOCKED "another run (process ${holder%%.*}) is at work on ${root:-this guest}" 'wait until it has finished, then run the command again'
    fi
    [ "$try" = 3 ] || rm -f "$lock_link"
  done
  die 3 E_READ_ONLY "$root/var/lib cannot be written to" 'see that the storage answers again; then check the file system and mount it writable (a reboot with a forced check), and run the command again'
}

# When a process began, by the kernel's clock: a number that was given again is another process.
started() {
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{ print $20 }'
}

require_root() {
  [ "$(id -u)" = 0 ] || die 3 E_NOT_ROOT 'only root can do this' "sudo sh $0 $command, or as root"
}

require_guest() {
  if [ -z "$root" ]; then
    machine=$(uname -m)
    case "$machine:$ARCH" in
    x86_64:x86_64 | i?86:i386 | x86_64:i386) ;;
    *) die 3 E_ARCH_UNSUPPORTED "this is $machine, and the module is for $ARCH" "build one for this guest: mptfix build" ;;
    esac
    running=$(uname -r)
    [ "$running" = "$RELEASE" ] || [ -n "$force" ] ||
      die 3 E_KERNEL_UNKNOWN "this kernel is $running, and the module is for $RELEASE" 'build one for this kernel: mptfix build --kernel RELEASE'
  fi
  [ -d "$root/lib/modules/$RELEASE" ] ||
    die 3 E_KERNEL_UNKNOWN "${root:-this guest} has no kernel $RELEASE, for which the module was made" 'build one for its kernel: mptfix build --kernel RELEASE'
  [ -f "$root$MODULE_PATH" ] ||
    die 3 E_MODULE_MISSING "there is no $MODULE_PATH" 'the guest is not the one that the module was built for: run mptfix check'
  case $(cd "$root${MODULE_PATH%/*}" && pwd -P) in
  "${root:-/}"*) ;;
  *) die 3 E_TREE_ESCAPES "$MODULE_PATH leads out of $root" 'see where its links lead' ;;
  esac
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
  for place in /sbin /usr/sbin /bin /usr/bin /usr/local/sbin /usr/local/bin; do
    [ ! -x "$root$place/$1" ] || return 0
  done
  return 1
}

run_depmod() {
  in_guest depmod -a "$RELEASE" 9<&- >/dev/null 2>&1
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
