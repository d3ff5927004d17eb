# Which of the images of this kernel are there, with the tool that makes them: image, a tab, tool.
images() {
  image_names | while read -r image program tool; do
    [ -f "$root/boot/$image" ] || [ -h "$root/boot/$image" ] || continue
    has_program "$program" || program=
    printf '%s\t%s\t%s\n' "/boot/$image" "${program:--}" "$tool"
  done | awk -F '\t' '
    # A name that two tools use is of the first that is there.
    !($1 in tool) { order[++n] = $1 }
    !($1 in tool) || (tool[$1] ~ /^-/ && $2 != "-") { tool[$1] = $2 "\t" $3 }
    END { for (at = 1; at <= n; at++) print order[at] "\t" tool[order[at]] }
  '
}

# bytes_at FILE OFFSET COUNT, as hexadecimal digits
bytes_at() {
  dd if="$1" bs=1 skip="$2" count="$3" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'
}

# unpacker HEX: the program that reads what begins so; nothing for what is not packed
unpacker() {
  case $1 in
  1f8b*) printf 'gzip -dc' ;;
  28b52ffd*) printf 'zstd -dc' ;;
  fd377a58*) printf 'xz -dc' ;;
  425a68*) printf 'bzip2 -dc' ;;
  5d0000*) printf 'lzma -dc' ;;
  esac
}

# open_image IMAGE DIR: the files of the driver below that folder, and in DIR.names all its modules and programs.
# 1: nothing here can open it. 2: it is damaged. 3: there is no space for it.
open_image() {
  discard "$2" "$2".*
  mkdir "$2" && : >"$2.list" || return 3
  at=0
  whole=0
  while [ -n "$at" ]; do
    kind=$(bytes_at "$1" "$at" 6)
    through=$(unpacker "$kind")
    [ -z "$through" ] || command -v "${through%% *}" >/dev/null 2>&1 || return 1
    [ -n "$through" ] || through='cat'
    whole=$((whole + $(stream "$1" "$at" | wc -c) / 1024 + 1))
    case $(stream "$1" "$at" | dd bs=6 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n') in
    30373037303[12])
      read_archive "$1" "$2" || return $?
      # An archive that is not packed may stand before the true one, with the microcode of the processor.
      if [ "$through" = cat ]; then at=$(next_archive "$1" "$at") || return 2; else at=; fi
      ;;
    *)
      open_ext2 "$1" "$2" || return $?
      at=
      ;;
    esac
  done
  # Microcode alone is what is left of an image that was cut off just behind it.
  awk '!/^(\.\/)?kernel(\/|$)/ && !/^(\.|(\.\/)?early_cpio)$/ { found = 1 } END { exit !found }' "$2.list" || return 2
  awk -v release="$RELEASE" '
    { from = $0; sub(/.*lib\/modules\//, "", from); sub(/\/.*/, "", from) }
    $0 ~ /(^|\/)lib\/modules\// && from != release { next }
    match($0, /\.k?o(\.(gz|xz|zst|bz2))?$/) {
      name = substr($0, 1, RSTART - 1); sub(/.*\//, "", name)
      if (name ~ /^[A-Za-z0-9_][A-Za-z0-9_-]*$/) print "module " name
      next
    }
    /(^|\/)s?bin\/[^\/]+$/ || /^(\.?\/)?init$/ || /^(\.?\/)?linuxrc$/ { sub(/.*\//, ""); print "program " $0 }
  ' "$2.list" | sort -u >"$2.names"
  printf '%s\n' "$whole" >"$2.whole" || return 3
}

# stream IMAGE OFFSET [FILE]: what $through makes of all that begins there. Makes the file where it does not end well; who
# does not read to the end names none: some shells wait for the reader alone, and the file would come at any later moment.
stream() {
  {
    # One block of just that size: it leaves the place where the next program goes on.
    [ "$2" = 0 ] || dd bs="$2" count=1 >/dev/null 2>&1
    $through 2>/dev/null || [ -z "$3" ] || : >"$3"
  } <"$1"
}

# read_archive IMAGE DIR
read_archive() {
  rm -f "$work/cut"
  stream "$1" "$at" "$work/cut" | {
    cpio -it 2>/dev/null || : >"$work/cut"
    # What stands after the last name is read too, so that whoever unpacks comes to an end.
    cat >/dev/null
  } >"$2.some"
  [ ! -f "$work/cut" ] || return 2
  cat "$2.some" >>"$2.list" || return 3
  awk -v name="$MODULE." '{ last = $0; sub(/.*\//, "", last) } index(last, name) == 1' "$2.some" >"$2.found"
  [ -s "$2.found" ] || return 0
  # An old cpio would write where such a name leads.
  case $(sed -n '/^\//p; /^\.\.\//p; /\/\.\.\//p' "$2.found") in ?*) return 1 ;; esac
  stream "$1" "$at" "$work/cut" | {
    # Only what is named so: a cpio of 2003 knows no other way to take a part.
    (cd "$2" && cpio -i -d "*/$MODULE.*" "$MODULE.*" >/dev/null 2>&1) || : >"$work/cut"
    cat >/dev/null
  }
  [ ! -f "$work/cut" ] || return 2
}

# next_archive IMAGE OFFSET: where the next one begins after the archive that begins there; nothing where none does.
# Source: "initramfs buffer format" of the kernel's documentation; a header has 110 bytes, all parts begin at fours.
next_archive() {
  size=$(ls -lnL "$1" | awk '{ print $5 }')
  here=$2
  while :; do
    [ "$(bytes_at "$1" "$here" 5)" = 3037303730 ] || return 1
    length=$(dd if="$1" bs=1 skip=$((here + 54)) count=8 2>/dev/null)
    name=$(dd if="$1" bs=1 skip=$((here + 94)) count=8 2>/dev/null)
    case $length$name in *[!0-9a-fA-F]* | '') return 1 ;; esac
    text=$(dd if="$1" bs=1 skip=$((here + 110)) count=10 2>/dev/null | tr -d '\000')
    here=$((here + (110 + 0x$name + 3) / 4 * 4 + (0x$length + 3) / 4 * 4))
    [ "$text" != 'TRAILER!!!' ] || break
    [ "$here" -lt "$size" ] || return 1
  done
  while [ "$here" -lt "$size" ]; do
    found=$(dd if="$1" bs=512 skip=$((here / 512)) count=64 2>/dev/null | od -An -v -tx1 | awk -v from=$((here % 512)) '
      { for (at = 1; at <= NF; at++) { if (n >= from && $at != "00") { print n; exit }; n++ } }
    ')
    if [ -n "$found" ]; then
      printf '%s' $((here / 512 * 512 + found))
      return $?
    fi
    here=$(((here / 512 + 64) * 512))
  done
}

# open_ext2 IMAGE DIR: as the mkinitrd of RHEL 3 and the mk_initrd of SLES 8 make it.
open_ext2() {
  rm -f "$work/cut"
  stream "$1" "$at" "$work/cut" >"$2.plain" || return 3
  [ ! -f "$work/cut" ] || return 2
  # The magic of ext2 is at byte 1080.
  [ "$(bytes_at "$2.plain" 1080 2)" = 53ef ] || {
    rm -f "$2.plain"
    return 1
  }
  mkdir "$2.dump" "$2.mount" && : >"$2.ext2" || return 3
  # debugfs comes with every system that has ext2, and leaves no mount behind if this is killed. It ends with 0 whatever
  # it finds: what it says besides its version tells.
  if command -v debugfs >/dev/null 2>&1; then
    for part in lib bin sbin; do
      (cd "$2.dump" && debugfs -R "rdump /$part ." "$2.plain" 2>&1) | grep -v '^debugfs [0-9]' | grep . >"$2.said" &&
        [ "$part" = lib ] && : >"$work/cut"
    done
    from=$2.dump
  elif mount -o loop,ro -t ext2 "$2.plain" "$2.mount" 2>/dev/null; then
    from=$2.mount
  else
    rm -f "$2.plain"
    return 1
  fi
  (cd "$from" && find . ! -type d -print) >"$2.list" || : >"$work/cut"
  (cd "$from" && find . -name "$MODULE.*" -type f -print) | while read -r name; do
    mkdir -p "$2/${name%/*}" && cp "$from/$name" "$2/$name" || : >"$work/cut"
  done
  let_go "$work"
  discard "$2.plain" "$2.dump"
  [ ! -f "$work/cut" ] || return 2
}

# let_go DIR: of the image that a run had mounted there when it was killed, before the folder is removed.
let_go() {
  for mounted in "$1"/*.mount; do
    [ -h "$mounted" ] || [ ! -d "$mounted" ] || umount "$mounted" 2>/dev/null || rmdir "$mounted" 2>/dev/null
  done
}

# modules_in DIR: the driver as the image holds it, a path a line. What is of another kernel is none.
modules_in() {
  find "$1" -name "$MODULE.*" -type f -print | awk -v top="$1/" -v name="$MODULE" -v release="$RELEASE" '
    {
      path = substr($0, length(top) + 1); last = path; sub(/.*\//, "", last)
      if (last !~ ("^" name "\\.k?o(\\.(gz|xz|zst|bz2))?$")) next
      if (path ~ /(^|\/)lib\/modules\// && index("/" path, "/lib/modules/" release "/") == 0) next
      print
    }
  '
}

# Whether each copy of the driver in the image is that module: an image may hold an old one that takes precedence.
holds_module() {
  held=$(modules_in "$1")
  [ -n "$held" ] || return 1
  printf '%s\n' "$held" >"$work/held"
  while read -r copy; do
    same_module "$copy" "$2" || return 1
  done <"$work/held"
}

# same_module FILE FILE: packed or not, with its debug information or not
same_module() {
  cmp -s "$1" "$2" && return 0
  unpacked "$1" >"$work/one" && unpacked "$2" >"$work/other" || return 1
  cmp -s "$work/one" "$work/other" && return 0
  # The mkinitrd of Red Hat and dracut take out what is for debuggers, by the guest's own strip -g.
  has_program strip || return 1
  for file in one other; do in_guest strip -g "${work#"$root"}/$file" >/dev/null 2>&1 || return 1; done
  cmp -s "$work/one" "$work/other"
}

unpacked() {
  through=$(unpacker "$(bytes_at "$1" 0 6)")
  ${through:-cat} <"$1" 2>/dev/null
}

# What a person must do after an image was replaced; nothing where no loader notes the blocks of its images (as in
# boot/mapped.ts). SUSE says which of its loaders it is.
run_again() {
  chosen=$(sed -n "s/^LOADER_TYPE=[\"']*\([a-z0-9]*\).*/\1/p" "$root/etc/sysconfig/bootloader" 2>/dev/null | sed 1q)
  for loader in lilo zipl; do
    [ -f "$root/etc/$loader.conf" ] || continue
    [ "${chosen:-$loader}" = "$loader" ] || continue
    printf 'if the guest boots by %s (it has /etc/%s.conf), run %s in the guest before the next boot: it notes where each image lies on the disk' "$loader" "$loader" "$loader"
    return $?
  done
}

#@TOOLS@
