# A name that mptfix too knows for an unfinished write, and that neither depmod nor a boot loader takes for one of theirs.
temporary_of() {
  printf '%s/.%s.mptfix-%012x.tmp' "${1%/*}" "${1##*/}" $$
}

# discard FOLDER...: with all in it. Only what a run of such a file has made, whatever a variable holds by mistake.
discard() {
  for doomed in "$@"; do
    case $doomed in
    */./* | */../* | */. | */.. | *//*) ;;
    "$generations"/[1-9]* | "$state"/watch | /run/mptfix-watch | /dev/shm/mptfix-watch | /var/run/mptfix-watch)
      rm -rf "$doomed"
      continue
      ;;
    esac
    die 1 E_INTERNAL "a bug: $doomed was to be removed, and is not what this file has made" 'report it; it was not removed'
  done
}

# Waits for the disk. An old sync takes no names, and waits for all disks.
durable() {
  sync "$@" 2>/dev/null || sync
}

rename() {
  durable "$1"
  mv -f "$1" "$2" || return 1
  # rename(2) does nothing where both names already are of one file.
  rm -f "$1"
  durable "${2%/*}"
}

# link_or_copy FROM TO: a second name of the same file, with every attribute and without a byte more, for what is only ever
# replaced by a rename. What other programs write is copied: who writes into the file would write into the kept one, too.
# The depmod of module-init-tools 3.3 to 3.16 and of kmod writes beside and renames; that of busybox writes in place, and of
# modutils it is not known; update-initramfs writes its checksums in place.
link_or_copy() {
  case "$1 $2" in
  */modules.* | */var/lib/initramfs-tools/*) cp -p "$1" "$2" ;;
  *) ln "$1" "$2" 2>/dev/null || cp -p "$1" "$2" ;;
  esac
}

# put_back KEPT PATH
put_back() {
  temporary=$(temporary_of "$2")
  rm -f "$temporary"
  link_or_copy "$1" "$temporary" && rename "$temporary" "$2"
}

# When it was changed: seconds since the epoch with nine decimals, which are zeros where date(1) does not know them.
time_of() {
  exact=$(date -r "$1" +%s.%N 2>/dev/null)
  case $exact in
  *[!0-9.]* | '' | *.) exact=$(date -r "$1" +%s 2>/dev/null).000000000 ;;
  *.?????????) ;;
  *) exact=$(date -r "$1" +%s 2>/dev/null).000000000 ;;
  esac
  case $exact in .*) exact=0$exact ;; esac
  printf '%s' "$exact"
}

# set_time FILE SECONDS.DECIMALS: an old touch takes no @, and whole seconds alone.
set_time() {
  [ "$(time_of "$1")" != "$2" ] || return 0
  touch -m -d "@$2" "$1" 2>/dev/null && [ "$(time_of "$1")" = "$2" ] && return 0
  TZ=UTC0 touch -m -t "$(printf '%s\n' "${2%.*}" | awk '
    {
      days = int($1 / 86400); rest = $1 - days * 86400
      for (year = 1970; days >= 365 + leap(year); year++) days -= 365 + leap(year)
      split("31 28 31 30 31 30 31 31 30 31 30 31", long, " "); long[2] += leap(year)
      for (month = 1; days >= long[month]; month++) days -= long[month]
      printf "%04d%02d%02d%02d%02d.%02d", year, month, days + 1, int(rest / 3600), int(rest % 3600 / 60), rest % 60
    }
    function leap(y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0 }
  ')" "$1"
}

# The state of a file as JSON: bytes, mode, owner, time. GUEST_PATH FILE
record() {
  [ -f "$2" ] || {
    printf null
    return $?
  }
  ls -lnL "$2" | awk -v path="$1" -v hash="$(sha256_of "$2")" -v time="$(time_of "$2")" '
    function three(from,   n) {
      n = (substr($1, from, 1) == "r") * 4 + (substr($1, from + 1, 1) == "w") * 2
      return n + (substr($1, from + 2, 1) ~ /[xst]/)
    }
    NR == 1 {
      special = (substr($1, 4, 1) ~ /[sS]/) * 4 + (substr($1, 7, 1) ~ /[sS]/) * 2 + (substr($1, 10, 1) ~ /[tT]/)
      mode = special "" three(2) "" three(5) "" three(8)
      printf "{\"path\":\"%s\",\"sha256\":\"%s\",\"size\":%d,\"mode\":\"%s\",\"uid\":%d,\"gid\":%d,\"mtime\":\"%s\"}", path, hash, $5, mode, $3, $4, time
    }
  '
}
