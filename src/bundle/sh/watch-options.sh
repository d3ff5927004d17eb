# set_option NAME VALUE: of those that the watch has
set_option() {
  case $1 in
  mail) given=$address ;;
  relay) given=$relay ;;
  *) given=$prometheus ;;
  esac
  [ -z "$given" ] || wrong_usage "two values of --$1"
  case $2 in '' | -*) wrong_usage "--$1 has no value" ;; esac
  case $1:$2 in
  mail:*[!A-Za-z0-9._%+@=-]*) wrong_usage 'no address that a mail can have: --mail' ;;
  mail:*) address=$2 ;;
  relay:*) set_relay "$2" ;;
  *) prometheus=$2 ;;
  esac
}

# set_relay HOST[:PORT]
set_relay() {
  relay=$1
  relay_host=${1%:*}
  relay_port=${1##*:}
  case $1 in
  \[*\]:*) relay_host=${relay_host#?} relay_host=${relay_host%?} ;;
  \[*\]) relay_host=${1#?} relay_host=${relay_host%?} relay_port=25 ;;
  *:*) ;;
  *) relay_port=25 ;;
  esac
  case $relay_host in '' | -* | *[!A-Za-z0-9.:_-]*) wrong_usage 'no host that can be reached: --relay' ;; esac
  case $relay_port in '' | *[!0-9]* | ??????*) wrong_usage 'no number of a port: --relay' ;; esac
}

check_watch_options() {
  if [ "$command" != watch ]; then
    [ -z "$nagios$address$relay$prometheus$schedule" ] || wrong_usage "not an option of $command, but of watch: --nagios, --prometheus, --mail, --relay, --install, --uninstall"
    return
  fi
  [ -z "$relay" ] || [ -n "$address" ] || wrong_usage '--relay needs --mail, too'
  if [ -n "$schedule" ]; then
    [ -z "$nagios" ] || wrong_usage "--nagios and --$schedule"
    [ $schedule = install ] || [ -z "$address$prometheus" ] || wrong_usage '--uninstall needs no more'
    case $prometheus in
    '' | /*) ;;
    *) wrong_usage '--prometheus needs the whole path: cron starts elsewhere' ;;
    esac
    case $prometheus in *[!A-Za-z0-9._/@+=-]*) wrong_usage 'no path that a line of cron can have: --prometheus' ;; esac
  else
    [ -z "$root" ] || [ -z "$address" ] || wrong_usage '--mail is of the guest itself: it cannot be had with --root'
    [ -z "$nagios" ] || [ -z "$address" ] || wrong_usage 'a plugin has 10 seconds: --mail from cron, and --nagios without it'
  fi
}
