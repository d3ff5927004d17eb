# undo GENERATION: puts back all that its steps have changed. Safe to run again after it was stopped anywhere. No signal cuts
# it off, and what it starts inherits that; nor does the next run begin while that is at work (see lock).
undo() {
  trap '' 1 2 13 15
  undo_all "$1" 8<&9
  undone=$?
  [ -n "$stopped" ] || catch_signals
  return $undone
}

undo_all() {
  generation=$1
  read_record "$generation"
  require_safe "$generation"
  journal=$generations/$generation/journal.ndjson
  begun=" $(steps_with intent) "
  ended=" $(steps_with 'done') "
  if grep '"event":"committed"' "$journal" >/dev/null 2>&1 || [ -f "$generations/$generation/manifest.json" ]; then begun=all ended=all; fi
  # An undo by force that was stopped goes on as one.
  forced=$force
  case $(grep '"event":"rolling-back"' "$journal" 2>/dev/null | tail -n 1) in *'"force":true'*) forced=1 ;; esac
  work=$generations/$generation/tmp
  let_go "$work"
  discard "$work"
  # Also on a full disk: only what was hashed is remembered there.
  mkdir "$work" 2>/dev/null
  left=
  index_left=
  for rank in module index image-build image kept-image; do
    for step in $(steps_of "$rank"); do
      case $begun in all | *" $step "*) undo_step "$step" "$rank" || return 1 ;; esac
    done
  done
  changed=$(changed_folders)
  record=$generations/$generation
  put_links_back
  remove_temporary
  put_times_back
  discard "$work"
  for folder in $changed "$state_name/generations"; do durable "$root$folder"; done
}

# The steps of which the journal has such a line: an act is never without its intent.
steps_with() {
  sed -n "s/.*\"event\":\"$1\".*\"step\":\([0-9]*\).*/\1/p" "$journal" 2>/dev/null | tr '\n' ' '
}

# steps_of KIND: the last first
steps_of() {
  printf '%s\n' "$flat" | sed -n "s/^steps\.\([0-9]*\)\.kind	$1\$/\1/p" | sort -rn
}

# files_of STEP: path, hash of the original or nothing, name of its copy, with colons between them.
files_of() {
  printf '%s\n' "$flat" | awk -F '\t' -v step="steps.$1.files." '
    index($1, step) == 1 {
      name = substr($1, length(step) + 1); n = name + 0; sub(/^[0-9]+\./, "", name)
      of[n, name] = $2
      if (n >= count) count = n + 1
    }
    END { for (n = 0; n < count; n++) print of[n, "path"] ":" of[n, "original.sha256"] ":" of[n, "backup"] }
  '
}

undo_step() {
  case $2 in
  index)
    # What a depmod that failed has left: module-init-tools writes NAME.temp, kmod NAME with three numbers.
    for name in "$root/lib/modules/$kernel"/modules.*.temp "$root/lib/modules/$kernel"/modules.*.[0-9]*.[0-9]*.[0-9]*; do
      [ ! -f "$name" ] || rm -f "$name"
    done
    ;;
  image-build)
    rm -f "$root$(field "steps.$1.output")"
    return $?
    ;;
  image) rm -f "$root$(field "steps.$1.output")" ;;
  esac
  for file in $(files_of "$1"); do
    path=${file%%:*}
    file=${file#*:}
    undo_file "$1" "$path" "${file%%:*}" "${file#*:}" "$2" || return 1
  done
  [ "$2" = index ] && [ -n "$index_left$left" ] || return 0
  run_depmod "$kernel" || {
    warn "depmod, which must write the index for the module that is there now, failed"
    return 1
  }
}

# undo_file STEP PATH ORIGINAL BACKUP KIND
undo_file() {
  if [ -h "$root$2" ] && [ -n "$root" ]; then
    warn "$2 is a link, which may lead out of $root"
    return 1
  fi
  kept=$(kept_path "$4" "${2##*/}")
  now=$(sha256_of "$root$2")
  if [ -z "$3" ]; then
    [ -z "$now" ] || may_change "$@" || return 0
    [ -z "$now" ] || rm -f "$root$2" || return 1
    return 0
  fi
  if [ "$now" = "$3" ]; then
    # Whole already, but perhaps not its time and mode: these come with the kept file.
    ! is_plain "$kept" || same_file "$root$2" "$kept" || same_look "$root$2" "$kept" || put_back "$kept" "$root$2"
    return $?
  fi
  [ -z "$now" ] || may_change "$@" || return 0
  is_plain "$kept" && [ "$(sha256_of "$kept")" = "$3" ] || {
    # An old depmod writes into its files, and so into what was kept as a link.
    if [ "$5" = index ]; then
      index_left=1
      return 0
    fi
    warn "$kept, the kept original of $2, is missing or was changed"
    return 1
  }
  put_back "$kept" "$root$2" && return 0
  # A copy needs space, which a depmod may have used up for the very file that it has spoilt.
  [ "$5" = index ] && rm -f "$root$2" && put_back "$kept" "$root$2"
}

# Whether the file of an undo_file is ours, or force is used. A step that was stopped has left what nobody knows: it is ours.
may_change() {
  [ -z "$forced" ] || return 0
  ! is_ours "$2" "$now" || return 0
  case $ended in
  all | *" $1 "*) ;;
  *) grep -F "\"$2\":\"" "$journal" >/dev/null 2>&1 || return 0 ;;
  esac
  case $5 in
  index) index_left=1 ;;
  kept-image) return 0 ;;
  *)
    left="$left $2"
    warn "$2 was changed by somebody else since: it is left as it is"
    ;;
  esac
  return 1
}

# Whether two names are of one file.
same_file() {
  [ "$(inode_of "$1")" = "$(inode_of "$2")" ]
}

# Mode, owner and time, of two files with the same content.
same_look() {
  [ "$(ls -ln "$1" | awk '{ print $1, $3, $4 }')" = "$(ls -ln "$2" | awk '{ print $1, $3, $4 }')" ] &&
    [ "$(time_of "$1")" = "$(time_of "$2")" ]
}

is_plain() {
  [ -f "$1" ] && [ ! -h "$1" ]
}

# Folders in which the steps make, replace or remove a name.
changed_folders() {
  printf '%s\n' "$flat" | awk -F '\t' '
    $1 ~ /^steps\.[0-9]+\.(files\.[0-9]+\.path|output)$/ { sub(/\/[^\/]*$/, "", $2); print $2 }
  ' | sort -u
}

# Times of folders are kept as those of empty files; the record has them too, for who knows no such files.
keep_time() {
  [ ! -d "$root$1" ] || touch -r "$root$1" "$generations/$generation/times/$(printf '%s' "$1" | tr / _)"
}

# recorded_times FOLDER...: as JSON
recorded_times() {
  times=
  for folder in "$@"; do
    [ ! -d "$root$folder" ] || times="$times${times:+,}{\"path\":\"$folder\",\"mtime\":\"$(time_of "$root$folder")\"}"
  done
  printf '%s' "$times"
}

# Of a folder that others have had to change, the time is theirs.
put_times_back() {
  at=0
  while folder=$(field "folders.$at.path") && [ -n "$folder" ]; do
    mtime=$(field "folders.$at.mtime")
    at=$((at + 1))
    [ -d "$root$folder" ] || continue
    case " $left " in *" $folder/"*) continue ;; esac
    if [ -n "$index_left$left" ] && [ "$folder" = "/lib/modules/$kernel" ]; then continue; fi
    time=$generations/$generation/times/$(printf '%s' "$folder" | tr / _)
    if is_plain "$time"; then touch -r "$time" "$root$folder"; else set_time "$root$folder" "$mtime"; fi
  done
}

remove_temporary() {
  for folder in $changed; do
    for name in "$root$folder"/.*.mptfix-????????????.tmp; do
      if [ -f "$name" ] || [ -h "$name" ]; then rm -f "$name"; fi
    done
  done
}

# forget GENERATION: the record first; without it the rest is nothing.
forget() {
  rm -f "$generations/$1/originals.json"
  let_go "$generations/$1/tmp"
  discard "$generations/$1"
  rmdir "$generations" 2>/dev/null
  rmdir "$state" 2>/dev/null
}

# What an interrupted run has left, by whichever program: put back, the newest first. In $settled which.
settle() {
  settled=
  read_state
  for number in $(newest); do
    [ "$(state_of "$number")" = open ] || continue
    say "generation $number was interrupted: it is put back first"
    undo "$number" || die 9 E_INSTALL_UNDO "generation $number was interrupted, and not everything could be put back" "the originals are in $generations/$number/originals; remove the cause, then: $(typed rollback)"
    note "$number" rolling-back || true
    note "$number" rolled-back || true
    settled="$settled $number"
  done
  for number in $begun_only; do
    let_go "$generations/$number/tmp"
    discard "$generations/$number"
  done
  read_state
}
