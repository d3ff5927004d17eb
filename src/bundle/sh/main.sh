on_exit() {
  if [ -n "$transaction" ]; then
    number=$transaction
    transaction=
    if [ -f "$generations/$number/originals.json" ]; then
      undo "$number" || warn "not everything could be put back: sh $0 rollback"
    fi
    [ -n "$left" ] || forget "$number"
  fi
  [ -z "$locked" ] || rm -f "$lock_link"
}

interrupted() {
  # A second signal must not cut off what puts things back.
  trap '' 1 2 13 15
  if [ -n "$json" ]; then printf '{"schema":"mptfix.error/1","error":{"code":"E_INTERRUPTED","what":"interrupted by a signal","next":"run the same command again"}}\n'; fi
  exit $((128 + $1))
}

wrong_usage() {
  [ -n "$json" ] || usage >&2
  die 2 E_USAGE "$1" "sh $0 --help"
}

main() {
  json='' yes='' force='' root='' command='' transaction='' locked='' left='' work='' proof=''
  self=$0
  for word in "$@"; do [ "$word" != --json ] || json=1; done
  while [ $# -gt 0 ]; do
    case $1 in
    check | apply | status | rollback)
      [ -z "$command" ] || wrong_usage "two commands: $command and $1"
      command=$1
      ;;
    --json) ;;
    --yes) yes=1 ;;
    --force) force=1 ;;
    --root)
      [ $# -gt 1 ] || wrong_usage '--root needs a folder'
      shift
      root=$1
      ;;
    --root=*) root=${1#--root=} ;;
    --help)
      usage
      exit 0
      ;;
    --version)
      printf '%s\n' "$TOOL, $MODULE of $RELEASE ($ARCH), sha256 $NEW_SHA256"
      exit 0
      ;;
    *) wrong_usage "unknown: $1" ;;
    esac
    shift
  done
  [ -n "$command" ] || wrong_usage 'which command?'
  if [ -n "$root" ]; then
    given=$root
    root=$(cd "$root" 2>/dev/null && pwd -P) || die 3 E_TARGET_MISSING "there is no folder $given" 'give --root the folder that holds the whole / of the guest'
    [ "$root" != / ] || root=
  fi
  state_name=/var/lib/mptfix
  state=$root$state_name
  generations=$state/generations
  trap on_exit 0
  for signal in 1 2 13 15; do
    # shellcheck disable=SC2064 # the number of now
    trap "interrupted $signal" "$signal"
  done
  choose_hash
  prove_self
  "$command"
}

main "$@"
exit 1
