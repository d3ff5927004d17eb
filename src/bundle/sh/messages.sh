#!/bin/sh
# One module for one kernel, and what installs it: see `sh FILE --help`. Made by `mptfix build`.
# Runs under any POSIX sh with the tools of 2003: none of sha256sum, flock, stat, mktemp, readlink is needed.
#
# ls -n is what POSIX has in the place of stat; what stands after || always ends the run; lists are of plain names; the
# numbers of signals are understood everywhere; `return` names its status, as in a trap it would be that of before the signal; and w0 to w15 are read by code that is written here.
# shellcheck disable=SC2010,SC2012,SC2015,SC2034,SC2086,SC2153,SC2172,SC2317

LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077

# A file that was cut short must not end as if all were well: what is cut off may be all that it would have done. The watch
# alone runs from what stands before the payload, which is what it installs.
# By its path where it can be: a folder of PATH may lie on a mount that hangs, and a plugin must end.
wc='wc'
for each in /bin/wc /usr/bin/wc; do [ ! -x $each ] || wc=$each; done
size=$($wc -c <"$0")
case "$((${size:-0})) $*" in
@SIZE@\ * | @HEAD@\ *watch*) ;;
*)
  damage='this file is damaged: it has not the size that mptfix build wrote'
  case " $* " in
  *' --json '*) printf '{"schema":"mptfix.error/1","error":{"code":"E_ARCHIVE_TRUNCATED","what":"%s","next":"copy the file to this guest once more"}}\n' "$damage" ;;
  *' --nagios '*)
    printf 'MPTFIX UNKNOWN - %s\n' "$damage"
    exit 3
    ;;
  *) printf 'error: %s\n  next: copy the file to this guest once more\n' "$damage" >&2 ;;
  esac
  exit 4
  ;;
esac

# What follows to the next such line was written by `mptfix build`.
#@FACTS@

usage() {
  cat <<END
usage: sh $(shell_word "$0") COMMAND [--root DIR] [--yes] [--force] [--json]
       sh $(shell_word "$0") watch [--nagios] [--prometheus FILE] [--mail ADDRESS [--relay HOST[:PORT]]] [--install | --uninstall]

For the module $MODULE of the kernel $RELEASE ($ARCH).

  check     say whether this is the guest that it was made for, and whether it is still affected; writes nothing
  apply     install the module; asks first
  status    say what is installed; writes nothing
  rollback  put back what was there before the last installation; asks first
  watch     say whether a file system that should be writable cannot be written

  --root DIR   a guest's tree instead of this machine
  --yes        do not ask
  --force      also where the module is another than the proofs compared with, or was changed since
  --json       print one line of JSON

  --nagios           watch: print a plugin's line within 10 seconds; exit status 0, 1, 2 or 3, also 3 for wrong usage
  --prometheus FILE  watch: write metrics for node_exporter's textfile collector
  --mail ADDRESS     watch: mail what is new, once again each day, and what is over; by sendmail -t
  --relay HOST:PORT  watch: mail by this SMTP relay first (nc, bash or telnet)
  --install          watch: look every 10 minutes by cron, with the options given; without any, mail root
  --uninstall        watch: take all of that away

  --version    print what this file holds

Exit status: 0 done, or nothing wrong; 2 wrong usage; 3 something is missing; 4 this file is damaged; 8 failed and all
put back; 9 failed and not all put back; 10 check: affected, watch: a file system is read-only; 11 cannot tell; 12 another run is at work.
END
}

# Not echo: some make a line's end of the \012 in a name.
say() {
  [ -n "$json" ] || printf '%s\n' "$1"
}

warn() {
  printf '%s\n' "$1" >&2
}

quote() {
  printf '%s' "$1" | tr -c '\040-\176' '?' | sed 's/[\\"]/\\&/g'
}

# shell_word TEXT: as one word of a shell
shell_word() {
  case $1 in
  '' | *[!A-Za-z0-9@%+=:,./_-]*) printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/" ;;
  *) printf '%s' "$1" ;;
  esac
}

# typed_shell WORD...: a command to type, in backquotes, as any POSIX sh takes it. What is no printable sign of ASCII is
# written by its number: JSON, a plugin's line and every terminal let that through. $( ) alone would lose the end of the line
# that a name may end with.
typed_shell() {
  typing=
  for typing_word in "$@"; do typing="$typing${typing:+ }$(shell_word "$typing_word")"; done
  if [ "$(printf '%s' "$typing" | tr -d '\040-\176' | wc -c)" -gt 0 ]; then
    typing="eval \"\$(printf '$(printf '%s' "$typing" | od -An -v -to1 | awk '
      BEGIN { for (n = 32; n < 127; n++) sign[sprintf("%03o", n)] = sprintf("%c", n) }
      { for (at = 1; at <= NF; at++) printf "%s", sign[$at] ~ /^[A-Za-z0-9 .\/_=-]$/ ? sign[$at] : "\\" $at }
    ')')\""
  fi
  printf "\`%s\`" "$typing"
}

# typed WORD...: this file itself, on the same guest.
typed() {
  [ -z "$root" ] || set -- "$@" --root "$root"
  typed_shell sh "$itself" "$@"
}

# typed_same [WORD]: what this run was asked for, and that.
typed_same() {
  set -- "$command" ${yes:+--yes} ${force:+--force} ${json:+--json} ${nagios:+--nagios} "$@"
  [ -z "$schedule" ] || set -- "$@" "--$schedule"
  [ -z "$address" ] || set -- "$@" --mail "$address"
  [ -z "$relay" ] || set -- "$@" --relay "$relay"
  [ -z "$prometheus" ] || set -- "$@" --prometheus "$prometheus"
  typed "$@"
}

# typed_in_guest WORD...: another program, of a tree its own.
typed_in_guest() {
  [ -z "$root" ] || set -- chroot "$root" "$@"
  typed_shell "$@"
}

# only_mptfix WORD...: what no bundle can do; this guest need not have mptfix.
only_mptfix() {
  if [ -n "$root" ]; then
    printf 'where mptfix is: %s' "$(typed_shell mptfix "$@" --root "$root")"
  else
    printf 'if mptfix is on this guest: %s; else mount its disk where mptfix is, and give that --root DIR' "$(typed_shell mptfix "$@")"
  fi
}

# built_for WHAT: no command, which would be one for another machine.
built_for() {
  printf 'mptfix builds one for %s, on the machine that built this one' "$1"
}

# leave STATUS: mksh forgets it where a trap leaves and another is run for that.
leave() {
  leaving=$1
  exit "$1"
}

# die STATUS CODE WHAT NEXT: of a plugin of Nagios every error is unknown
die() {
  trap '' 1 2 13 15
  if [ -n "$json" ]; then
    printf '{"schema":"mptfix.error/1","error":{"code":"%s","what":"%s","next":"%s"}}\n' "$2" "$(quote "$3")" "$(quote "$4")"
  elif [ -n "$nagios" ]; then
    printf 'MPTFIX UNKNOWN - %s\n' "$(quote "$3" | tr '|' '/')"
  else
    warn "error: $3"
    warn "  next: $4"
  fi
  [ -z "$nagios" ] || leave 3
  leave "$1"
}

# answer STATUS RESULT DETAIL
answer() {
  trap '' 1 2 13 15
  if [ -n "$json" ]; then
    printf '{"schema":"mptfix.bundle/1","command":"%s","result":"%s","detail":"%s","kernel":"%s","module":"%s","sha256":"%s"}\n' \
      "$command" "$2" "$(quote "$3")" "$RELEASE" "$MODULE_PATH" "$NEW_SHA256"
  else
    printf '%s\n' "$3"
  fi
  leave "$1"
}

confirm() {
  [ -z "$yes" ] || return 0
  [ -t 0 ] || die 2 E_CONFIRM_REQUIRED "$command changes this guest, and nobody can be asked" "$(typed_same --yes)"
  printf '%s\nGo on? [y/N] ' "$1" >&2
  read -r reply
  case $reply in y | Y | yes) ;; *) die 2 E_DECLINED 'nothing was changed' "$(typed_same) asks again" ;; esac
}
