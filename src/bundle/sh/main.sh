# With the answer of a run that was to be put back, or with that of the signal that stops it.
on_exit() {
  ends=$?
  trap '' 1 2 13 15
  stopped=1
  if [ -n "$transaction" ]; then put_all_back 'the run was stopped'; fi
  [ -z "$locked" ] || unlock
  exit "${leaving:-$ends}"
}

# put_all_back WHY: what the transaction under way has done, so that no trace of it stays.
put_all_back() {
  number=$transaction
  transaction=
  if [ -f "$generations/$number/originals.json" ]; then
    undo "$number" && [ -z "$left" ] ||
      die 9 E_INSTALL_UNDO "$1, and not everything could be put back" "the originals are in $generations/$number/originals; remove the cause, then: $(typed rollback)"
  fi
  forget "$number"
}

# A signal comes to its turn when the program that runs has ended. A second one does not cut off what puts things back.
interrupted() {
  trap '' 1 2 13 15
  stopped=1
  was=${transaction:+, and everything was put back}
  if [ -n "$transaction" ]; then put_all_back "signal $1 has stopped the run"; fi
  die $((128 + $1)) E_INTERRUPTED "signal $1 has stopped the run$was" 'run the same command again'
}

catch_signals() {
  for signal in 1 2 13 15; do
    # shellcheck disable=SC2064 # the number of now
    trap "interrupted $signal" "$signal"
  done
}

# A file that is opened later must not become what messages are written to.
open_streams() {
  # Its own message has nowhere to go.
  if ! (: 7>&2); then exec 2>/dev/null; fi
  if ! (: 7<&0) 2>/dev/null; then exec </dev/null; fi
  if ! (: 7>&1) 2>/dev/null; then exec >/dev/null; fi
}

wrong_usage() {
  [ -n "$json$nagios" ] || usage >&2
  die 2 E_USAGE "$1" "$(typed_shell sh "$itself" --help)"
}

# set_root FOLDER: an empty one, as of a variable that is not set, would be this machine. What is read by lines from ls and df
# would be another folder than the one whose name has an end of a line.
set_root() {
  case $1 in
  '') wrong_usage '--root needs a folder, and its name is empty' ;;
  *"
"*) wrong_usage "no tool of the time can work on a folder with a line's end in its name: --root" ;;
  /*) root=$1 ;;
  *) root=$PWD/$1 ;;
  esac
}

main() {
  json='' yes='' force='' root='' command='' transaction='' locked='' left='' work='' proof='' stopped='' leaving=''
  open_streams
  self=$0
  # What a message says to type is to be the same in another folder, and no name is to be taken for an option.
  case $0 in /*) itself=$0 ;; *) itself=$PWD/$0 ;; esac
  [ -f "$itself" ] || itself=./$0
  nagios='' address='' relay='' relay_host='' relay_port='' prometheus='' schedule=''
  for word in "$@"; do
    case $word in --json) json=1 ;; --nagios) nagios=1 ;; esac
  done
  while [ $# -gt 0 ]; do
    case $1 in
    check | apply | status | rollback | watch)
      [ -z "$command" ] || wrong_usage "two commands: $command and $1"
      command=$1
      ;;
    --json | --nagios) ;;
    --install | --uninstall)
      [ -z "$schedule" ] || wrong_usage "--$schedule and $1"
      schedule=${1#--}
      ;;
    --mail | --relay | --prometheus)
      [ $# -gt 1 ] || wrong_usage "$1 has no value"
      set_option "${1#--}" "$2"
      shift
      ;;
    --mail=* | --relay=* | --prometheus=*)
      name=${1%%=*}
      set_option "${name#--}" "${1#*=}"
      ;;
    --yes) yes=1 ;;
    --force) force=1 ;;
    --root)
      [ $# -gt 1 ] || wrong_usage '--root needs a folder'
      set_root "$2"
      shift
      ;;
    --root=*) set_root "${1#--root=}" ;;
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
  check_watch_options
  if [ "$command" != watch ] || [ -n "$schedule" ]; then
    start
  elif [ -n "$address" ]; then
    # Two mails, each by what takes it at last.
    supervise 240
  else
    supervise 9
  fi
}

# start: runs $command
start() {
  trap on_exit 0
  catch_signals
  # The watch needs nothing of the payload, and must be quick.
  [ "$command" = watch ] || {
    choose_hash
    prove_self
  }
  if [ -n "$root" ]; then
    given=$root
    root=$(cd "$root" 2>/dev/null && pwd -P && echo .) || die 3 E_TARGET_MISSING "there is no folder $given" 'give --root the folder that holds the whole / of the guest'
    root=${root%?.}
    case $root in *"
"*) wrong_usage "no tool of the time can work on a folder with a line's end in its name: --root" ;; esac
    [ "$root" != / ] || root=
  fi
  state_name=/var/lib/mptfix
  state=$root$state_name
  generations=$state/generations
  "$command"
}

main "$@"
exit 1
