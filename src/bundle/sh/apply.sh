# take_back CODE WHAT NEXT: a failed run leaves no trace.
take_back() {
  number=$transaction
  transaction=
  if [ -f "$generations/$number/originals.json" ]; then
    undo "$number" && [ -z "$left" ] ||
      die 9 E_INSTALL_UNDO "the installation failed ($2), and not everything could be put back" "the originals are in $generations/$number/originals; remove the cause, then: sh $0 rollback"
  fi
  forget "$number"
  die "${4:-8}" "$1" "$2" "$3"
}

failed() {
  take_back "${3:-E_INSTALL}" "the installation failed and everything was put back: $1" "${2:-remove the cause and run the same command again}"
}

# touched GUEST_PATH [KEPT]: what a step is about to change, as JSON; the name of its copy is its own unless given.
touched() {
  before=$(record "$1" "$root$1")
  if [ "$before" = null ]; then
    printf '{"path":"%s","original":null,"backup":null}' "$1"
  else
    printf '{"path":"%s","original":%s,"backup":"%s"}' "$1" "$before" "${2:-${1##*/}}"
  fi
}

keep() {
  [ -f "$root$1" ] || return 0
  link_or_copy "$root$1" "$folder/originals/${1##*/}" || return 1
  [ "$(sha256_of "$folder/originals/${1##*/}")" = "$(sha256_of "$root$1")" ]
}

require_space() {
  plan=$(
    for image in $rebuilt; do
      printf '/boot %s\n' "$(ls -lnL "$root$image" | awk '{ print int($5 * 1.3 / 1024) + 16 }')"
      printf '/var/lib %s\n' "$(ls -lnL "$root$image" | awk '{ print int($5 * 5 / 1024) + 16 }')"
    done
    printf '%s %s\n' "${MODULE_PATH%/*}" $((NEW_SIZE / 1024 + 8)) /var/lib $((NEW_SIZE / 256 + 256))
  )
  short=$(
    printf '%s\n' "$plan" | while read -r place need; do
      printf '%s %s\n' "$need" "$(df -Pk "$root$place" 2>/dev/null | sed -n 2p)"
    done | awk -v reserve=4096 '
      NF < 7 { print "df does not say how much is free; "; next }
      { need[$2] += $1; free[$2] = $5; at[$2] = $NF }
      END { for (disk in need) if (free[disk] < need[disk] + reserve) printf "%s needs %d KiB and has %d; ", at[disk], need[disk] + reserve, free[disk] }
    '
  )
  [ -z "$short" ] || take_back E_NO_SPACE "too little space: $(printf '%s' "$short" | sed 's/; *$//' | tr '\n' ' ')" 'free some (an old kernel is often the largest thing there), then run the command again' 3
}

apply() {
  require_root
  require_guest
  for place in "${MODULE_PATH%/*}" /boot /var/lib; do
    [ ! -d "$root$place" ] || [ -w "$root$place" ] ||
      die 3 E_READ_ONLY "$place cannot be written to" 'see that the storage answers again; then check the file system and mount it writable (a reboot with a forced check), and run the command again'
  done
  lock
  settle
  case $(module_is) in
  new) answer 0 unchanged "nothing to do: $MODULE_PATH is the module of this file" ;;
  other)
    [ -n "$force" ] || die 3 E_FILE_CHANGED "$MODULE_PATH is not the module that the proofs compared with (sha256 $OLD_SHA256)" "build one for this guest: mptfix build; to install it anyway: sh $0 apply --force"
    ;;
  esac
  last=$(newest | sed 1q)
  transaction=$((${last:-0} + 1))
  generation=$transaction
  folder=$generations/$transaction
  work=$folder/tmp
  rm -rf "$folder"
  mkdir -p "$work" && chmod 700 "$state" "$generations" "$folder" "$work" && mkdir "$folder/originals" "$folder/times" ||
    take_back E_READ_ONLY "$state cannot be written to" 'see that the storage answers again, and run the command again' 3
  unpack "$work" || take_back E_ARCHIVE_TRUNCATED "$self cannot be unpacked" 'free some space in /var/lib, or copy the file to this guest once more' 3
  choose_images
  require_space
  depmod=
  if [ "$REINDEX" = 1 ] || ! is_indexed; then depmod=1; fi
  [ -z "$depmod" ] || has_program depmod || take_back E_INDEX 'the module index must be rebuilt, and there is no depmod' 'install module-init-tools or kmod' 3
  confirm "$MODULE_PATH will be replaced${rebuilt:+, and built again:$rebuilt}"
  begin
  carry_out
  note "$transaction" committed || failed "the journal in $folder cannot be written"
  number=$transaction
  transaction=
  rm -rf "$work"
  answer 0 installed "generation $number is installed: $MODULE_PATH${rebuilt:+, and in}$rebuilt; it is in use after a reboot"
}

# Those that hold the driver; one that cannot be opened may hold it.
choose_images() {
  rebuilt=
  warnings=
  images >"$work/images"
  while read -r image program tool; do
    if open_image "$root$image" "$work/old"; then
      [ -n "$(module_in "$work/old")" ] || continue
    fi
    [ "$program" != - ] ||
      take_back E_INITRAMFS_TOOL "$image may hold the driver, and nothing on the guest makes such an image" "install $tool, then run the command again" 3
    rebuilt="$rebuilt $image"
  done <"$work/images"
}

tool_of() {
  awk -F '\t' -v image="$1" '$1 == image { print $3 }' "$work/images"
}
