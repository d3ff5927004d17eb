# The line and the status that Nagios wants, with its performance data. A bar would begin them.
nagios_answer() {
  word=OK status=0
  text="$(count "$systems") file systems are fine"
  if [ -n "$critical" ]; then
    word=CRITICAL status=2
  elif [ -n "$warnings" ]; then
    word=WARNING status=1
  elif [ -n "$blind" ]; then word=UNKNOWN status=3; fi
  [ -z "$critical$warnings" ] || text=$(
    lines "$critical
$warnings" | awk -F '\t' 'NF > 3 { printf "%s%s (%s) %s", (n++ ? ", " : ""), $4, $5, tolower($2) }' | tr '|' '/' | cut -c 1-300
  )
  if [ -n "$blind" ]; then
    if [ $status = 3 ]; then text="cannot tell: $blind"; else text="$text; cannot tell of the others: $blind"; fi
  fi
  if [ -n "$not_written" ]; then
    text="$text; $(quote "$prometheus" | tr '|' '/') was not written: $not_written"
    if [ $status = 0 ]; then word=UNKNOWN status=3; fi
  fi
  if [ -n "$json" ]; then answer $status "$result" "$detail"; fi
  printf 'MPTFIX %s - %s | read_only=%d;;0;0 errors=%d;0;;0 file_systems=%d;;;0\n' \
    "$word" "$text" "$(count "$critical")" "$(count "$warnings")" "$(count "$systems")"
  exit $status
}

# For node_exporter's textfile collector, with the names that mptfix watch gives. In a label's value the quote, the slash and
# the line's end are escaped; the mount table has its own escapes for white space and the slash.
metrics() {
  lines "$systems" | awk -F '\t' -v blind="$blind" -v now="$(date +%s)" '
    function label(text) {
      gsub(/\\040/, " ", text); gsub(/\\011/, "\t", text); gsub(/\\134/, "\\\\", text)
      text = escaped(text)
      gsub(/\\\\012/, "\\n", text)
      return "\"" text "\""
    }
    function escaped(text,   n, at, one, all) {
      n = length(text)
      for (at = 1; at <= n; at++) {
        one = substr(text, at, 1)
        all = all (one == "\\" || one == "\"" ? "\\" one : one)
      }
      return all
    }
    function family(name, help) {
      print "# HELP " name " " help
      print "# TYPE " name " gauge"
    }
    NF > 4 {
      labels[++count] = "mountpoint=" label($3) ",device=" label($4) ",fstype=" label($5) ",state=\"" $2 "\""
      states[count] = $2
    }
    END {
      family("mptfix_filesystem_read_only", "Whether a file system that should be writable cannot be written.")
      for (n = 1; n <= count; n++)
        print "mptfix_filesystem_read_only{" labels[n] "} " (states[n] == "read-only" || states[n] == "shut-down" ? 1 : 0)
      family("mptfix_filesystem_errors", "Whether a file system has counted errors and is still written to.")
      for (n = 1; n <= count; n++) print "mptfix_filesystem_errors{" labels[n] "} " (states[n] == "errors" ? 1 : 0)
      family("mptfix_watch_can_tell", "Whether the mount table and the log of the kernel could be read.")
      print "mptfix_watch_can_tell " (blind == "" ? 1 : 0)
      family("mptfix_watch_last_run_timestamp_seconds", "When mptfix watch last looked.")
      print "mptfix_watch_last_run_timestamp_seconds " now
    }
  '
}

# Sets $not_written to what prevents it. A reader sees the old file or the new one; a link or a device is not written through.
write_prometheus() {
  file=$prometheus
  case $file in /*) ;; *) file=./$file ;; esac
  not_written=''
  if [ -h "$file" ] || { [ -e "$file" ] && [ ! -f "$file" ]; } || [ -z "${file##*/}" ]; then
    not_written='it is a link, a folder or a device'
    return
  fi
  content=$(metrics)
  temporary=${file%/*}/.${file##*/}.mptfix.tmp
  rm -f "$temporary"
  # Only a file that is not there yet is written to: nobody's link.
  (
    set -C
    lines "$content" >"$temporary"
  ) 2>/dev/null && [ "$(cat "$temporary")" = "$content" ] && chmod 644 "$temporary" && mv -f "$temporary" "$file" && return
  rm -f "$temporary"
  not_written='its folder is not there, is full, or cannot be written to'
}
