# deliver SENDER: the mail that it reads; the relay first, for a mailer of the guest must write to its disk. 1: nobody took it.
deliver() {
  letter=$(cat)
  if [ -n "$relay" ]; then
    by_relay "$1" && return
  fi
  lines "$letter" | by_sendmail "$1" && return
  warn 'sendmail: it is not there, or did not take the mail'
  return 1
}

# by_relay SENDER: by the first program that reaches it. An old bash may lack /dev/tcp.
by_relay() {
  dated="Date: $(date -u '+%a, %d %b %Y %H:%M:%S') +0000
$letter"
  tried=''
  cr=$(printf '\r')
  for program in nc bash telnet; do
    path=$(where $program) || continue
    tried="$tried $program"
    lines "$dated" | limited 20 converse "$program" "$path" "$1"
    case $? in
    0) return 0 ;;
    1) return 1 ;;
    esac
  done
  if [ -n "$tried" ]; then
    warn "the relay $relay: no answer within 20 s (by$tried)"
  else
    warn "the relay $relay: there is neither nc nor telnet, nor a bash"
  fi
  return 1
}

# converse PROGRAM PATH SENDER: the mail that it reads, to the relay. 0: taken; 1: refused; else: it was not reached.
# There is no coproc in POSIX, and a named pipe needs a disk that can be written: each of the two pipes is one whose other end is
# opened by /proc.
converse() (
  exec 7<&0
  : | {
    exec 3<&0 4>/proc/self/fd/0
    : | {
      exec 5<&0 6>/proc/self/fd/0
      connect "$1" "$2" <&3 >&6 2>/dev/null 3<&- 4>&- 5<&- 6>&- 7<&- &
      connection=$!
      exec 3<&- 6>&-
      # A telnet writes the line's end itself.
      case $1 in
      telnet) dialogue "$3" '' ;;
      *) dialogue "$3" "$cr" ;;
      esac <&5 >&4
      taken=$?
      exec 4>&- 5<&-
      fell $connection
      wait $connection 2>/dev/null
      exit $taken
    }
  }
)

# connect PROGRAM PATH: from its input to the relay, and back.
connect() {
  case $1 in
  bash)
    # Its words are its own: the host's name is never read as sh.
    # shellcheck disable=SC2016 # for that shell
    exec "$2" -c 'exec 3<>"/dev/tcp/$0/$1" || exit; cat <&3 & cat >&3' "$relay_host" "$relay_port"
    ;;
  *) exec "$2" "$relay_host" "$relay_port" ;;
  esac
}

# The plain form of RFC 5321: nothing goes out before the answer to what was before it.
# dialogue SENDER END-OF-LINE
dialogue() {
  eol=$2
  hears 220 || return
  lines "HELO $host$eol"
  hears 250 || return 1
  lines "MAIL FROM:<$1>$eol"
  hears 250 || return 1
  lines "RCPT TO:<$address>$eol"
  hears 250,251 || return 1
  lines "DATA$eol"
  hears 354 || return 1
  # A line that begins with a dot gets another one, and none is longer than 998 signs.
  cut -c 1-990 <&7 | sed "s/^\\./../;s/\$/$eol/"
  lines ".$eol"
  hears 250 || return 1
  lines "QUIT$eol"
  hears 221 || :
}

# hears CODE,CODE: reads an answer with all its lines. 1: it is another; 2: the connection ended.
hears() {
  idle=0
  while IFS= read -r heard; do
    heard=${heard%"$cr"}
    case $heard in
    [2-5][0-9][0-9]-*) ;;
    [2-5][0-9][0-9] | [2-5][0-9][0-9]' '*)
      case ,$1, in *,"${heard%% *}",*) return 0 ;; esac
      warn "the relay $relay answered: $(quote "$heard" | cut -c 1-200)"
      return 1
      ;;
    *) idle=$((idle + 1)) ;; # what telnet says itself
    esac
    [ $idle -lt 20 ] || break
  done
  return 2
}
