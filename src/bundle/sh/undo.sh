# undo GENERATION: puts back all that its steps have changed. Safe to run again after it was stopped anywhere.
undo() {
  generation=$1
  flat=$(flatten "$generations/$generation/originals.json")
  require_safe "$generation"
  begun=$(sed -n 's/.*"event":"intent".*"step":\([0-9]*\).*/\1/p' "$generations/$generation/journal.ndjson" 2>/dev/null)
  if grep '"event":"committed"' "$generations/$generation/journal.ndjson" >/dev/null 2>&1 || [ -f "$generations/$generation/manifest.json" ]; then begun=all; fi
  count=$(printf '%s\n' "$flat" | grep -c '^steps\.[0-9]*\.kind')
  work=$generations/$generation/tmp
  let_go "$work"
  rm -rf "$work"
  # Also on a full disk: only what was hashed is remembered there.
  mkdir "$work" 2>/dev/null
  left=
  index_left=
  for rank in module index image-build image kept-image; do
    step=$count
    while [ "$step" -gt 0 ]; do
      step=$((step - 1))
      [ "$(field "steps.$step.kind")" = "$rank" ] || continue
      case " $(printf '%s' "$begun" | tr '\n' ' ') " in *" all "* | *" $step "*) ;; *) continue ;; esac
      undo_step "$step" "$rank" || return 1
    done
  done
  folder=$generations/$generation
  put_links_back
  remove_temporary
  put_times_back
  rm -rf "$work"
  durable "$root${MODULE_PATH%/*}" "$generations"
}

undo_step() {
  case $2 in
  index)
    # What a depmod that failed has left: module-init-tools writes NAME.temp, kmod NAME with three numbers.
    for name in "$root/lib/modules/$RELEASE"/modules.*.temp "$root/lib/modules/$RELEASE"/modules.*.[0-9]*.[0-9]*.[0-9]*; do
      [ ! -f "$name" ] || rm -f "$name"
    done
    ;;
  image-build)
    rm -f "$root$(field "steps.$1.output")"
    return
    ;;
  image) rm -f "$root$(field "steps.$1.output")" ;;
  esac
  file=0
  while path=$(field "steps.$1.files.$file.path") && [ -n "$path" ]; do
    undo_file "$1" "$file" "$path" "$2" || return 1
    file=$((file + 1))
  done
  if [ "$2" = index ] && [ -n "$index_left" ]; then run_depmod; fi
}

undo_file() {
  original=$(field "steps.$1.files.$2.original.sha256")
  kept=$(kept_path "$(field "steps.$1.files.$2.backup")" "${3##*/}")
  now=$(sha256_of "$root$3")
  if [ -z "$original" ]; then
    [ -z "$now" ] || rm -f "$root$3"
    return
  fi
  if [ "$now" = "$original" ] && [ "$4" != index ]; then
    # Whole already, but perhaps not its time and mode: these come with the kept file.
    [ ! -f "$kept" ] || same_file "$root$3" "$kept" || put_back "$kept" "$root$3"
    return
  fi
  [ "$now" != "$original" ] || return 0
  # Nobody else wrote the index while our own depmod ran.
  if [ "$4" = index ] && [ -n "$indexing" ]; then
    :
  elif [ -n "$now" ] && [ -z "$force" ] && ! is_ours "$3" "$now"; then
    case $4 in
    index) index_left=1 ;;
    *)
      left="$left $3"
      warn "$3 was changed by somebody else since: it is left as it is"
      ;;
    esac
    return 0
  fi
  [ "$(sha256_of "$kept")" = "$original" ] || {
    warn "$kept, the kept original of $3, is missing or was changed"
    return 1
  }
  put_back "$kept" "$root$3" && return
  # A copy needs space, which a depmod may have used up for the very file that it has spoilt.
  [ "$4" = index ] && rm -f "$root$3" && put_back "$kept" "$root$3"
}

# Whether two names are of one file.
same_file() {
  [ "$(ls -di "$1" | awk '{ print $1 }')" = "$(ls -di "$2" | awk '{ print $1 }')" ]
}

# Times of folders are kept as those of empty files.
keep_time() {
  [ ! -d "$root$1" ] || touch -r "$root$1" "$generations/$generation/times/$(printf '%s' "$1" | tr / _)"
}

put_times_back() {
  for folder in "${MODULE_PATH%/*}" "/lib/modules/$RELEASE" /boot /var/lib/initramfs-tools; do
    time=$generations/$generation/times/$(printf '%s' "$folder" | tr / _)
    [ ! -f "$time" ] || touch -r "$time" "$root$folder"
  done
}

remove_temporary() {
  for folder in "${MODULE_PATH%/*}" /boot; do
    for name in "$root$folder"/.*.mptfix-????????????.tmp; do
      if [ -f "$name" ] || [ -h "$name" ]; then rm -f "$name"; fi
    done
  done
}

# forget GENERATION: the record first; without it the rest is nothing.
forget() {
  rm -f "$generations/$1/originals.json"
  let_go "$generations/$1/tmp"
  rm -rf "${generations:?}/$1"
  rmdir "$generations" 2>/dev/null
  rmdir "$state" 2>/dev/null
}

# What an interrupted run has left, by whichever program: put back, the newest first.
settle() {
  for number in $(newest); do
    [ "$(state_of "$number")" = open ] || continue
    say "generation $number was interrupted: it is put back first"
    undo "$number" || die 9 E_INSTALL_UNDO "an interrupted run could not be put back" "remove the cause, then: sh $0 rollback"
    note "$number" rolling-back || true
    note "$number" rolled-back || true
  done
  for number in $(numbers); do
    [ ! -f "$generations/$number/originals.json" ] || continue
    let_go "$generations/$number/tmp"
    rm -rf "${generations:?}/$number"
  done
}
