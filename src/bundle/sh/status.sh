status() {
  [ -d "$root/lib/modules/$RELEASE" ] || require_guest
  if [ -d "$state" ] && ! ls "$generations" >/dev/null 2>&1 && [ "$(id -u)" != 0 ]; then
    answer 11 unknown "cannot tell: only root may read $state"
  fi
  result=not-installed
  detail="nothing is installed for $RELEASE"
  read_state
  for number in $known; do
    read_record "$number"
    [ "$kernel" = "$RELEASE" ] || continue
    now=$(state_of "$number")
    say "generation $number: $now"
    case $now in
    open)
      result=interrupted
      detail="generation $number was interrupted; $(typed rollback) puts it back"
      ;;
    installed)
      result=installed
      detail="generation $number is installed"
      after=$(flatten "$generations/$number/manifest.json" | awk -F '\t' '$1 == "module.after.sha256" { print $2 }')
      if [ "$(sha256_of "$root$MODULE_PATH")" != "$after" ]; then
        result=replaced
        detail="$MODULE_PATH was changed by somebody else since generation $number installed it"
      fi
      ;;
    esac
  done
  answer 0 "$result" "$detail"
}
