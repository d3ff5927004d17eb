rollback() {
  require_root
  lock
  settle
  [ -z "$settled" ] || answer 0 settled "put back what was interrupted: generation$settled"
  for number in $(newest); do
    [ "$(state_of "$number")" = installed ] || continue
    read_record "$number"
    [ "$kernel" = "$RELEASE" ] || continue
    undo_installed "$number"
  done
  answer 0 nothing "nothing is installed for $RELEASE that could be undone"
}

undo_installed() {
  require_safe "$1"
  manifest=$(flatten "$generations/$1/manifest.json") || unsafe "$generations/$1/manifest.json is not whole"
  before=$(printf '%s\n' "$manifest" | awk -F '\t' '$1 == "module.before.sha256" { print $2 }')
  after=$(printf '%s\n' "$manifest" | awk -F '\t' '$1 == "module.after.sha256" { print $2 }')
  case $(sha256_of "$root$MODULE_PATH") in
  "$before" | "$after") ;;
  *) [ -n "$force" ] || die 3 E_FILE_CHANGED "$MODULE_PATH was changed by somebody else since it was installed: it is not overwritten" "to put the original back anyway: $(typed rollback --force)" ;;
  esac
  confirm "generation $1 will be undone"
  # From here on no signal cuts it off: half of an undo would be no state to stay in.
  trap '' 1 2 13 15
  stopped=1
  note "$1" rolling-back "${force:+,\"force\":true}" || die 8 E_INSTALL "the journal in $generations/$1 cannot be written" 'free some space and run the command again'
  undo "$1" || die 9 E_INSTALL_UNDO "the rollback was stopped; the originals are in $generations/$1/originals" "remove the cause, then: $(typed rollback)"
  note "$1" rolled-back
  loader=
  case $flat in *"	image
"* | *"	image") loader=$(run_again) ;; esac
  answer 0 rolled-back "generation $1 is undone${left:+; left as they are:$left}${loader:+; warning: $loader}"
}
