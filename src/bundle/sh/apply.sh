# take_back CODE WHAT NEXT: a failed run leaves no trace.
take_back() {
  put_all_back "the installation failed ($2)"
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
  link_or_copy "$root$1" "$record/originals/${1##*/}" || return 1
  [ "$(sha256_of "$record/originals/${1##*/}")" = "$(sha256_of "$root$1")" ]
}

apply() {
  require_root
  require_guest
  require_writable "${MODULE_PATH%/*}" "/lib/modules/$RELEASE" /var/lib
  lock
  settle
  case $(module_is) in
  new) answer 0 unchanged "nothing to do: $MODULE_PATH is the module of this file" ;;
  other)
    [ -n "$force" ] || die 3 E_FILE_CHANGED "$MODULE_PATH is not the module that the proofs compared with (sha256 $OLD_SHA256)" "$(built_for this guest); to install it anyway: $(typed apply --force)"
    ;;
  esac
  depmod=
  if [ "$REINDEX" = 1 ] || ! is_indexed; then depmod=1; fi
  [ -z "$depmod" ] || has_program depmod || die 3 E_INDEX 'the module index must be rebuilt, and there is no depmod' 'install module-init-tools or kmod'
  rebuilt=
  require_space
  last=$(newest | sed 1q)
  transaction=$((${last:-0} + 1))
  generation=$transaction
  record=$generations/$transaction
  work=$record/tmp
  discard "$record"
  mkdir -p "$work" && chmod 700 "$state" "$generations" "$record" "$work" && mkdir "$record/originals" "$record/times" ||
    cannot_write "$state_name"
  unpack "$work" || take_back E_ARCHIVE_TRUNCATED "$self cannot be unpacked" 'free some space in /var/lib, or copy the file to this guest once more' 3
  choose_images
  require_space
  confirm "$MODULE_PATH will be replaced${rebuilt:+, and built again:$rebuilt}"
  begin
  carry_out 8<&9
  note "$transaction" committed || failed "the journal in $record cannot be written"
  number=$transaction
  transaction=
  discard "$work"
  answer 0 installed "generation $number is installed: $MODULE_PATH${rebuilt:+, and in}$rebuilt; it is in use after a reboot${notes:+; $notes}"
}

# Those that hold the driver. One that cannot be looked into may hold it: then nothing is changed, unless by force.
choose_images() {
  rebuilt=
  warnings=
  notes=
  images >"$work/images"
  while read -r image program tool; do
    [ ! -h "$root$image" ] || take_back E_INITRAMFS "$image is a symbolic link: it is not known what else uses the image" "put the image itself in its place, then run the command again"
    opened=0
    open_image "$root$image" "$work/old" || opened=$?
    case $opened in
    0)
      for part in names whole ext2; do
        [ ! -f "$work/old.$part" ] || mv "$work/old.$part" "$work/$part.${image##*/}"
      done
      [ -n "$(modules_in "$work/old")" ] || continue
      ;;
    3) no_space "$image cannot be laid out in $state_name" ;;
    *)
      [ -n "$force" ] || take_back_unread "$image" "$opened" "$tool"
      remark "the old $image could not be looked into"
      ;;
    esac
    [ "$program" != - ] ||
      take_back E_INITRAMFS_TOOL "$image may hold the driver, and nothing on the guest makes such an image" "install $tool, then run the command again" 3
    rebuilt="$rebuilt $image"
  done <"$work/images"
  places=$(for image in $rebuilt; do printf '/boot %s\n' "$(work_place "$(tool_of "$image")")"; done)
  require_writable $places
  [ -s "$work/images" ] ||
    remark "/boot has no initramfs of $RELEASE: if the boot loader names another file, build that again by hand"
  for image in $(other_images); do
    [ ! -f "$root$image" ] || remark "$image is not rebuilt"
  done
  loader=
  [ -z "$rebuilt" ] || loader=$(run_again)
  [ -z "$loader" ] || remark "$loader"
}

take_back_unread() {
  if [ "$2" = 2 ]; then
    take_back E_INITRAMFS "$1 is damaged: it cannot be read to its end" "build it again with the guest's own tool ($3), then run the command again; to install all the same: $(typed apply --force)"
  fi
  take_back E_INITRAMFS_TOOL "nothing here can look into $1: it cannot be told whether it holds the driver" "install what opens it (e2fsprogs for an ext2 image), then run the command again; to install all the same: $(typed apply --force)" 3
}

# remark TEXT: it goes into the manifest, and to whoever reads the answer.
remark() {
  warnings="$warnings${warnings:+,}\"$(quote "$1")\""
  notes="$notes${notes:+; }warning: $1"
}

tool_of() {
  awk -F '\t' -v image="$1" '$1 == image { print $3 }' "$work/images"
}
