# Which of the images of this kernel are there, with the tool that makes them: image, a tab, tool.
images() {
  image_names | while read -r image program tool; do
    [ -f "$root/boot/$image" ] || continue
    has_program "$program" || program=
    printf '%s\t%s\t%s\n' "/boot/$image" "${program:--}" "$tool"
  done | awk -F '\t' '
    # A name that two tools use is of the first that is there.
    !($1 in tool) { order[++n] = $1 }
    !($1 in tool) || (tool[$1] ~ /^-/ && $2 != "-") { tool[$1] = $2 "\t" $3 }
    END { for (at = 1; at <= n; at++) print order[at] "\t" tool[order[at]] }
  '
}

# open_image IMAGE DIR: its files, below that folder. 1: it cannot be opened here.
open_image() {
  rm -rf "$2"
  mkdir "$2" || return 1
  case $(dd if="$1" bs=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n') in
  1f8b*) gzip -dc <"$1" >"$2.plain" 2>/dev/null ;;
  28b52ffd) zstd -dc <"$1" >"$2.plain" 2>/dev/null ;;
  fd377a58) xz -dc <"$1" >"$2.plain" 2>/dev/null ;;
  425a68*) bzip2 -dc <"$1" >"$2.plain" 2>/dev/null ;;
  *) cp "$1" "$2.plain" ;;
  esac
  opened=1
  case $(dd if="$2.plain" bs=6 count=1 2>/dev/null) in
  070701 | 070702)
    # Only what is named so: a cpio of 2003 knows no other way to take a part.
    (cd "$2" && cpio -i -d --quiet "*/$MODULE.*" "$MODULE.*") <"$2.plain" >/dev/null 2>&1 && opened=0
    [ $opened = 0 ] || { (cd "$2" && cpio -i -d "*/$MODULE.*") <"$2.plain" >/dev/null 2>&1 && opened=0; }
    # An archive before the true one, with the processor's microcode: the tools of these years can read it.
    if [ -z "$(module_in "$2")" ] && [ -d "$2/kernel" ]; then opened=1; fi
    ;;
  *)
    # ext2, as the mkinitrd of RHEL 3 makes it: the magic is at byte 1080.
    if [ "$(dd if="$2.plain" bs=2 skip=540 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n')" = 53ef ]; then
      mkdir "$2.mount" && mount -o loop,ro -t ext2 "$2.plain" "$2.mount" 2>/dev/null && {
        (cd "$2.mount" && find . -name "$MODULE.*" -print | while read -r name; do cp "$name" "$2/"; done)
        umount "$2.mount"
        opened=0
      }
      rmdir "$2.mount" 2>/dev/null
    fi
    ;;
  esac
  rm -f "$2.plain"
  return $opened
}

module_in() {
  find "$1" -name "$MODULE.*" -type f -print | sed 1q
}

# same_module FILE FILE: packed or not
same_module() {
  cmp -s "$1" "$2" && return
  unpacked "$1" >"$work/one" && unpacked "$2" >"$work/other" && cmp -s "$work/one" "$work/other"
}

unpacked() {
  case $(dd if="$1" bs=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n') in
  1f8b*) gzip -dc <"$1" ;;
  28b52ffd) zstd -dc <"$1" ;;
  fd377a58) xz -dc <"$1" ;;
  *) cat "$1" ;;
  esac
}

#@TOOLS@
