# supervise SECONDS: the rest of the run in a process of its own, which is left and killed after that time. There was no
# timeout(1); and who waits for a disk may not even die, so that only a signal ends the waiting for him.
supervise() {
  limit=$1
  late='' worker='' timer=''
  trap end_watch 0
  # By what is built in: a program may lie on the disk that hangs.
  if [ -n "$json" ]; then
    catch_signals
  else
    for signal in 1 2 13 15; do
      # shellcheck disable=SC2064 # the number of now
      trap "exit $((128 + signal))" "$signal"
    done
  fi
  trap too_late 14
  start &
  worker=$!
  {
    # By its path: the first folder of PATH may be what hangs.
    if [ -x /bin/sleep ]; then /bin/sleep "$limit"; else sleep "$limit"; fi
    kill -14 $$
    # Where whoever started this has it ignore that signal.
    sleep 1
    fell $worker
  } </dev/null >/dev/null 2>&1 &
  timer=$!
  wait $worker 2>/dev/null
  result=$?
  worker=''
  # One that was killed has said nothing.
  [ $result -lt 128 ] || too_late
  exit $result
}

end_watch() {
  [ -z "$timer" ] || fell "$timer"
  [ -z "$worker" ] || fell "$worker"
}

# Says it by what is built in.
too_late() {
  if [ -n "$nagios" ] && [ -z "$json" ]; then
    lines "MPTFIX UNKNOWN - nothing was found out within $limit s, or the look was killed: a disk or a program does not answer"
    exit 3
  fi
  die 11 E_CANNOT_DECIDE "nothing was found out within $limit s, or the look was killed: a disk or a program does not answer" 'see that the storage answers, then run the command again'
}

# What is looked at is the same as what the sh watch of mptfix looks at. Nothing but its memory and FILE is written.
watch() {
  case $schedule in
  install) watch_install ;;
  uninstall) watch_uninstall ;;
  esac
  tree=$root
  memory=''
  choose_programs
  [ -n "$root" ] || [ "$(id -u)" != 0 ] || choose_memory
  look
  systems=$(lines "$found" | grep "^F$tab")
  warnings=$(lines "$alarms" | grep "^W$tab")
  choose_blindness
  not_written=''
  [ -z "$prometheus" ] || write_prometheus
  report=''
  if [ -n "$address" ]; then
    choose_host
    report_blindness
    tell 1 || report=untold
  else
    [ -z "$memory" ] || keep_seen
  fi
  [ -z "$memory" ] || rm -f "$memory/try"
  watch_answer
}

# Sets $blind to what could not be looked at. A table without a log hides what a kernel does not show there: XFS that shut
# down, an ext4 of the kernels after CVE-2024-50191.
choose_blindness() {
  blind=''
  if [ -z "$systems" ]; then
    blind='there is no mount table, or it names no disk'
  else
    case "
$found
" in
    *"
L
"*) ;;
    *)
      blind="the kernel's log cannot be read"
      if [ -n "$tree" ]; then
        blind="a tree has no kernel's log"
      elif [ "$(id -u)" != 0 ]; then blind="$blind: try as root"; fi
      ;;
    esac
  fi
}

# A watch that sees nothing must not look like one that sees nothing wrong.
report_blindness() {
  [ -n "$blind" ] || return 0
  alarms="${alarms:+$alarms
}W${tab}CANNOT TELL${tab}watch${tab}the kernel's log and mount table${tab}-${tab}-${tab}$blind"
}

count() {
  lines "$1" | grep -c .
}

watch_answer() {
  places=$(lines "$critical" | awk -F '\t' 'NF > 3 { printf "%s%s", (n++ ? ", " : ""), $4 }')
  if [ -n "$critical" ]; then
    status=10 result=read-only detail="not writable, though it should be: $places"
  elif [ -n "$blind" ]; then
    status=11 result=unknown detail="cannot tell: $blind"
  else
    status=0 result=fine detail="file systems looked at, and writable: $(count "$systems")"
    if [ -n "$warnings" ]; then result=errors detail="still written to, but with errors: $(count "$warnings")"; fi
  fi
  [ -z "$not_written" ] || warn "$prometheus was not written: $not_written"
  if [ -n "$nagios" ]; then nagios_answer; fi
  [ -n "$json" ] || listed
  if [ "$report" = untold ]; then
    die 3 E_NOT_TOLD "$detail; and nobody could be told" "give --relay HOST, or see why sendmail does not take it, then: $(typed_same)"
  fi
  if [ -n "$not_written" ] && [ $status = 0 ]; then
    die 3 E_OUTPUT "$prometheus was not written: $not_written" 'give --prometheus a file that can be made or replaced'
  fi
  answer $status "$result" "$detail"
}
