# cannot_write PLACE: what to do about it, by what the guest's own table of mounts wants.
cannot_write() {
  mounted=$(df -Pk "$root$1" 2>/dev/null | awk 'NR == 2 { print $6 }')
  meant=$(awk -v at="${mounted#"$root"}" '$1 !~ /^#/ && $2 == (at == "" ? "/" : at) && ("," $4 ",") ~ /,ro,/ { print "yes"; exit }' "$root/etc/fstab" 2>/dev/null)
  if [ -n "$meant" ]; then
    remedy="$(typed_shell mount -o remount,rw "${mounted:-/}"), then run the command again"
  else
    remedy='see that the storage answers again; then check the file system and mount it writable (a reboot with a forced check), and run the command again'
  fi
  if [ -n "$transaction" ]; then
    take_back E_READ_ONLY "$1 cannot be written to" "$remedy" 3
  fi
  die 3 E_READ_ONLY "$1 cannot be written to" "$remedy"
}

# require_writable PLACE...: the kernel itself is asked, by setting the time that a folder has already. Some shells' test -w
# says of root that it may write anywhere.
require_writable() {
  for place in "$@"; do
    [ ! -d "$root$place" ] || touch -r "$root$place" "$root$place" 2>/dev/null || cannot_write "$place"
  done
}

kib_of() {
  ls -lnL "$@" 2>/dev/null | awk '{ n += int(($5 + 4095) / 4096) * 4 + 4 } END { print n + 0 }'
}

# work_place TOOL: where it makes its tree. The mkinitrd of Red Hat takes the first that is no tmpfs.
work_place() {
  for place in $(tool_folders "$1"); do
    [ -d "$root$place" ] || continue
    case $(df -Pk "$root$place" 2>/dev/null | sed -n 2p) in
    tmpfs*) ;;
    *)
      printf '%s' "$place"
      return $?
      ;;
    esac
  done
  tool_folders "$1" | sed 1q
}

# What the installation needs, a place and its KiB a line: all that is there at one time.
needs() {
  new=$((NEW_SIZE / 1024 + 8))
  printf '%s %s\n' "${MODULE_PATH%/*}" "$new"
  # The kept original where it can be no second name, and the copies that are compared.
  printf '/var/lib %s\n' $((new * 5 + $(kib_of "$root$MODULE_PATH") + 128))
  if [ -n "$depmod" ]; then
    index=$(for name in $INDEX_FILES; do printf '%s\n' "$root/lib/modules/$RELEASE/$name"; done | while read -r file; do kib_of "$file"; done | awk '{ n += $1 } END { print n + 0 }')
    printf '%s %s\n' "/lib/modules/$RELEASE" $((index + index / 4)) /var/lib "$index"
  fi
  for image in $rebuilt; do
    # The old one stays beside it, under another name.
    packed=$(kib_of "$root$image")
    printf '/boot %s\n' $((packed + packed / 3 + 16))
    # The tool's tree, and what it makes of it before it is an image.
    whole=$(cat "$work/whole.${image##*/}" 2>/dev/null)
    # One that could not be looked into: images of the time shrink to a third or half.
    [ -n "$whole" ] || whole=$((packed * 3))
    printf '%s %s\n' "$(work_place "$(tool_of "$image")")" $((whole + whole / 3 + packed + packed / 3))
    # An ext2 image is laid out to be looked at.
    [ ! -f "$work/ext2.${image##*/}" ] || printf '/var/lib %s\n' $((whole * 2))
  done
}

require_space() {
  short=$(
    needs | while read -r place need; do
      printf '%s %s\n' "$need" "$(df -Pk "$root$place" 2>/dev/null | sed -n 2p)"
    done | awk -v reserve=4096 '
      NF < 7 { print "df does not say how much is free; "; next }
      # A tmpfs has no device by which two of them could be told apart.
      { disk = $2 ~ /^\// ? $2 : $NF; need[disk] += $1; free[disk] = $5; at[disk] = $NF }
      END { for (disk in need) if (free[disk] < need[disk] + reserve) printf "%s needs %d KiB and has %d; ", at[disk], need[disk] + reserve, free[disk] }
    '
  )
  [ -z "$short" ] || no_space "$(printf '%s' "$short" | sed 's/; *$//' | tr '\n' ' ')"
}

no_space() {
  next='free some (an old kernel is often the largest thing there), then run the command again'
  if [ -n "$transaction" ]; then take_back E_NO_SPACE "too little space: $1" "$next" 3; fi
  die 3 E_NO_SPACE "too little space: $1" "$next"
}
