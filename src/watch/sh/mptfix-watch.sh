#!/bin/sh
# mptfix-watch.sh ADDRESS
#
# The watch for guests without Node: looks whether a file system that should be writable went read-only, and mails
# ADDRESS "HOST has read-only file systems" by sendmail -f root@FQDN -t: once per event, again after 1, 2, 4 ... 32
# days, and when the problem is over. For cron, in the place of the script of VMware's article:
#   */10 * * * * root /usr/local/sbin/mptfix-watch.sh admin@example.org
# Exit status: 0 all is well, 1 a file system cannot be written, 2 wrong usage, 3 there is no mount table.
# Runs under any POSIX sh and the tools of 2003. MPTFIX_ROOT stands before /proc, /sys, /etc and /dev in tests.
#
# The watch of a bundle has the same judgement: src/bundle/installer.ts takes what is between the two lines `#@SHARED@`
# and `#@END-SHARED@`. It asks for $root, $address, and a function `deliver SENDER` that hands on the mail that it reads.

# ls -n is what POSIX has in the place of stat, and what /proc says of a process is split on purpose.
# shellcheck disable=SC2012,SC2086

LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077
root=${MPTFIX_ROOT:-}
address=${1:-}

case $address in
'' | -* | *[!A-Za-z0-9._%+@=-]*)
  echo "usage: $0 ADDRESS" >&2
  exit 2
  ;;
esac

#@SHARED@
# Not echo: some make a line's end of the \012 in a name.
lines() {
  printf '%s\n' "$1"
}

# The path of a program: the shell of a busybox may take its own for the name, whatever PATH says, and its dd cannot read
# the records of the kernel without waiting for more.
where() (
  set -f
  IFS=:
  for folder in $PATH; do
    [ -x "$folder/$1" ] && [ ! -d "$folder/$1" ] && lines "$folder/$1" && exit 0
  done
  exit 1
)
choose_programs() {
  dmesg=$(where dmesg) || dmesg='dmesg'
  dd=$(where dd) || dd='dd'
}

# Kills a process with all that it started. A shell has all this built in: a disk that is gone gives no program.
fell() {
  felled=" $1 "
  kill -19 "$1" 2>/dev/null
  more=1
  # What is stopped starts nothing more.
  while [ -n "$more" ]; do
    more=
    for process in /proc/[0-9]*; do
      read -r numbers 2>/dev/null <"$process/stat" || continue
      process=${process#/proc/}
      set -- ${numbers##*) }
      case $felled in
      *" $process "*) ;;
      *" $2 "*)
        kill -19 "$process" 2>/dev/null
        felled="$felled$process "
        more=1
        ;;
      esac
    done
  done
  for process in $felled; do kill -9 "$process" 2>/dev/null; done
}

# limited SECONDS PROGRAM WORD...: one that waits for a disk or a name server is left after that time, and ends.
limited() {
  seconds=$1
  shift
  # What runs in the background reads nothing unless it is given it.
  { "$@" <&3 3<&- & } 3<&0
  child=$!
  {
    sleep "$seconds"
    fell $child
  } </dev/null >/dev/null 2>&1 &
  killer=$!
  wait $child 2>/dev/null
  result=$?
  fell $killer
  wait $killer 2>/dev/null
  return $result
}

# choose_memory: sets $memory to a folder that outlives this run, or to nothing. One in memory, for nothing can be written to
# a disk that failed: /run is young, /var/run lay on the disk once. Root's own and closed to others, for everybody may make a
# folder in /dev/shm.
choose_memory() {
  memory=
  for parent in "$root/run" "$root/dev/shm" "$root/var/run"; do
    [ -d "$parent" ] || continue
    mkdir "$parent/mptfix-watch" 2>/dev/null
    case $(ls -ldn "$parent/mptfix-watch" 2>/dev/null | awk '{ print $1, $3 }') in
    "drwx------"*" $(id -u)") ;;
    *) continue ;;
    esac
    if (: >"$parent/mptfix-watch/try") 2>/dev/null; then
      memory=$parent/mptfix-watch
      return
    fi
  done
}

# Each line of what is read gets a letter before it, and one awk weighs it all. The last line may lack its end.
tag() {
  [ -r "$2" ] && sed "s/^/$1 /" "$2" && echo
}

# The kernel's own records, where a dd can read them without waiting for more: they show who wrote what, and a line break
# in a message is no new line there. Else what dmesg prints; with the priority, if it can.
kernel_log() {
  if [ -r "$root/dev/kmsg" ]; then
    {
      ended=$("$dd" if="$root/dev/kmsg" iflag=nonblock bs=8192 2>&1 >&3)
      case $?$ended in 0* | *unavailable*) echo && echo whole ;; esac
    } 3>&1 | sed 's/^/K /'
  fi
  # Without that last line nobody knows what the kernel said.
  {
    if "$dmesg" -r 2>/dev/null || "$dmesg" 2>/dev/null; then echo && echo whole; fi
  } | sed 's/^/D /'
}

gather() {
  now=$(date +%s)
  echo "N ${now:-0}"
  sed -n 's/^btime /B /p' "$root/proc/stat" 2>/dev/null
  sed -n 's/^/O /p' "$root/proc/sys/kernel/osrelease" 2>/dev/null
  tag F "$root/etc/fstab"
  tag P "$root/proc/partitions"
  ls -lL "$root/dev/mapper" 2>/dev/null | sed -n 's/^b/X b/p'
  [ -n "$memory" ] && tag S "$memory/seen"
  # Where a folder on the disk outlives a reboot, it may be of another boot.
  case $memory in "$root/var/"*) ;; *) echo 'V' ;; esac
  for folder in "$root"/sys/fs/ext4/*; do
    [ -r "$folder/errors_count" ] || continue
    disk=${folder##*/}
    policy=$(sed -n 's/^errors=//p' "$root/proc/fs/ext4/$disk/options" 2>/dev/null)
    last=$(cat "$folder/last_error_time" 2>/dev/null)
    echo "E $disk $(cat "$folder/errors_count") ${policy:-unknown} ${last:-0}"
  done
  # A tree that is looked at from outside has no kernel.
  [ -n "$tree" ] || kernel_log
  for table in 1/mountinfo self/mountinfo; do
    if [ -s "$root/proc/$table" ] && [ -r "$root/proc/$table" ]; then
      tag M "$root/proc/$table"
      return
    fi
  done
  tag T "$root/proc/mounts"
}

# Prints, with tabs between: A state key where source type why (an alarm); W the same (a warning); S for the next
# run's memory; F state where source type (each file system); L (the kernel's log was read); U (there is no mount table).
weigh() {
  awk '
    function has(list, option) { return index("," list ",", "," option ",") > 0 }
    # Of ro and rw the last one counts.
    function asks_read_only(list,   option, n, at, ro) {
      n = split(list, option, ",")
      for (at = 1; at <= n; at++) if (option[at] == "ro" || option[at] == "rw") ro = option[at] == "ro"
      return ro + 0
    }
    function between(text, before, after,   at, rest) {
      at = index(text, before)
      if (at == 0) return ""
      rest = substr(text, at + length(before))
      at = index(rest, after)
      return at == 0 ? rest : substr(rest, 1, at - 1)
    }
    # jbd2 adds the inode of the journal: sda1-8, dm-0-8.
    function disk(name) {
      sub(/\.$/, "", name)
      if (name ~ /^dm-[0-9]+$/) return name
      sub(/-[0-9]+$/, "", name)
      return name
    }
    # A message is a claim. One of dmesg is only reported: it ends no alarm that the counter holds up.
    function gave_up(name) {
      if (name == "") return
      spoken[name] = 1
      if (name in aborted) return
      aborted[name] = text; delete again[name]
      # ext4 counts such an error before it says so; of a journal that was given up it learns when it next writes.
      counted[name] = !exactly || text ~ /^EXT[234]-fs/
    }
    function mounted(name) {
      if (name == "") return
      spoken[name] = 1
      delete aborted[name]
      if (exactly) again[name] = boot + stamp
    }
    # What is read from the kernel counts from its beginning only: later on stand words that users choose, as in
    # tmpfs: Unknown parameter "EXT4-fs (sda1): Remounting filesystem read-only".
    function weigh_message(   name) {
      # Old kernels put the messages of the disk on the same line.
      sub(/^SCSI [Ee]rror : (<?[0-9 ]+>? )?return code = 0x[0-9a-f]+[. ]+/, "", text)
      sub(/^end_request: I\/O error, dev [A-Za-z0-9_!.-]+, sector [0-9]+[. ]+/, "", text)
      if (text ~ /^(EXT[234]|F2FS)-fs \([^ ()]+\): (error: )?[Rr]emounting filesystem read-only/)
        gave_up(between(text, "-fs (", ")"))
      else if (text ~ /^EXT[34]-fs abort \(device [^ )]+\)+: /) gave_up(modern(between(text, "abort (device ", "): ")))
      else if (text ~ /^EXT[34]-fs error \(device [^ )]+\)+: [A-Za-z0-9_:]+: (comm .+: )?Detected aborted journal/)
        gave_up(modern(between(text, "error (device ", "): ")))
      else if (text ~ /^(JBD2?: )?Aborting journal on device [A-Za-z]/)
        gave_up(modern(disk(between(text, "journal on device ", " "))))
      else if (text ~ /^XFS \([^ ()]+\): ([A-Z][A-Za-z0-9_\/ -]*( \(0x[0-9a-f]+\))?( detected at [^ ]+( \[xfs\])?( \([^)]*\))?)?\.  ?Shutting down filesystem|Filesystem has been shut down|User initiated shutdown received|xfs_do_force_shutdown\()/)
        gave_up(between(text, "XFS (", ")"))
      else if (text ~ /^xfs_force_shutdown\([^ ]+,0x/) gave_up(modern(between(text, "(", ",0x")))
      else if (text ~ /^Filesystem "[^ "]+": [A-Z][A-Za-z0-9_\/ -]*\.  ?Shutting down filesystem/)
        gave_up(between(text, "Filesystem \"", "\""))
      else if (text ~ /^BTRFS:? ([a-z]+ )?\(device [A-Za-z][^ ):]*(:? state [A-Z]+)?\): (forced readonly|Transaction aborted|first mount of filesystem)/) {
        name = between(text, "(device ", ")"); sub(/:? .*/, "", name)
        if (text ~ /\): first mount/) mounted(name); else gave_up(name)
      }
      else if (text ~ /^REISERFS:? abort \(device [^ )]+\)/) gave_up(between(text, "abort (device ", ")"))
      else if (text ~ /^ERROR: \(device [^ )]+\): remounting filesystem as read-only/)
        gave_up(between(text, "(device ", ")"))
      # Not re-mounted: a remount never brings back what was given up.
      else if (text ~ /^EXT[234]-fs \([^ ()]+\): mounted filesystem/) mounted(between(text, "-fs (", ")"))
      else if (text ~ /^EXT[23] FS on [^ ,]+(,[0-9]+\))?, /) mounted(modern(between(text, " FS on ", ", ")))
      else if (text ~ /^XFS \([^ ()]+\): (Mounting|Ending clean mount|Ending recovery)/) mounted(between(text, "XFS (", ")"))
      else if (text ~ /^XFS mounting filesystem [A-Za-z]/) mounted(substr(text, 25))
    }
    # 2.4 has sd(8,1) for sda1: the disks of the first major number are enough.
    function modern(name,   part, at) {
      if (name !~ /^sd\(8,[0-9]+\)$/) return name
      split(name, part, /[(,)]/)
      at = int(part[3] / 16)
      return "sd" substr("abcdefghijklmnop", at + 1, 1) (part[3] % 16 ? part[3] % 16 : "")
    }
    function kind(type, source) {
      sub(/^fuse\./, "", type)
      if (source ~ /^\/dev\/(sr[0-9]|scd[0-9]|pktcdvd|cdrom|cdrw|dvd)/) return "media"
      if (index(media, " " type " ")) return "media"
      if (index(union, " " type " ")) return "union"
      if (index(network, " " type " ")) return "network"
      if (index(disks, " " type " ") || source ~ /^\/dev\//) return "disk"
      return "memory"
    }
    function diskname(source) {
      if (source !~ /^\/dev\//) return ""
      if ((source in mapper) && (mapper[source] in bynumber)) return bynumber[mapper[source]]
      sub(/.*\//, "", source)
      return source
    }
    # In /proc/mounts the place that fstab names is the whole, and a bind mount may be the one that is ro.
    function rank(where, own, root) {
      if (exact) return root == "/"
      return (where in table) ? 2 : !has(own, "ro")
    }
    function add(key, name, where, source, type, own, super, id, root) {
      if (!(key in place)) {
        order[++count] = key; place[key] = where; of[key] = source; types[key] = type; names[key] = name
        allro[key] = 1; ranks[key] = rank(where, own, root); ids[key] = id
      } else {
        ids[key] = ids[key] "," id
        if (rank(where, own, root) > ranks[key]) { place[key] = where; ranks[key] = rank(where, own, root) }
      }
      # One place where it is rw shows that the whole is: /proc/mounts has the flags of both in one word.
      if (!has(super, "ro")) superrw[key] = 1
      supers[key] = supers[key] "," super
      if (has(own, "ro")) somero[key] = 1; else allro[key] = 0
      # Of several places, as of the subvolumes of a btrfs, one that is to be writable counts.
      if (where in table) {
        if (!(key in placed) || (asks_read_only(entry[key]) && !asks_read_only(table[where]))) {
          entry[key] = table[where]; line[key] = lines[where]
        }
        placed[key] = 1
      } else if (!(key in entry) && source ~ /[\/:]/ && (source in bysource)) {
        entry[key] = bysource[source]; line[key] = linesof[source]
      }
    }
    # Whether what was kept is of one of these mounts. /proc/mounts has no numbers: there a mount in the log ends it.
    function stillmounted(key,   part, n, at) {
      if (!exact) return keepable
      n = split(ids[key], part, ",")
      for (at = 1; at <= n; at++) if (index("," keptids[key] ",", "," part[at] ",")) return 1
      return 0
    }
    BEGIN {
      OFS = "\t"
      interesting = "EXT[234]|F2FS|XFS|xfs_force|BTRFS|REISERFS|journal on device|read-only|hutting down"
      disks = " ext2 ext3 ext4 ext4dev xfs btrfs reiserfs jfs f2fs ocfs2 gfs gfs2 vxfs vfat msdos ntfs jffs2 yaffs yaffs2 ubifs "
      media = " iso9660 squashfs erofs cramfs romfs udf squashfuse snapfuse subfs supermount "
      union = " overlay overlayfs aufs unionfs "
      network = " nfs nfs4 cifs smbfs smb3 ncpfs afs ceph glusterfs 9p vmhgfs vboxsf "
    }
    { tagged = $1; text = substr($0, 3) }
    tagged == "N" { now = $2 }
    tagged == "B" { boot = $2 }
    tagged == "O" { split($2, part, /[.-]/); version = part[1] * 1000 + part[2] }
    tagged == "F" {
      fstabline++
      if ($2 ~ /^#/ || NF < 4) next
      options = NF < 5 ? "defaults" : $5
      if (has(options, "bind") || has(options, "rbind")) next
      where = $3
      if (where != "/") sub(/\/+$/, "", where)
      table[where] = options; lines[where] = fstabline
      if (!($2 in bysource) || asks_read_only(bysource[$2])) { bysource[$2] = options; linesof[$2] = fstabline }
    }
    tagged == "P" && $2 ~ /^[0-9]+$/ { sub(/.*\//, "", $5); byname[$5] = $2 ":" $3; bynumber[$2 ":" $3] = $5 }
    tagged == "X" { sub(/,$/, "", $6); mapper["/dev/mapper/" $NF] = $6 ":" $7 }
    tagged == "S" && $2 == "rw" { writable[$3] = 1 }
    tagged == "S" && $2 == "errors" { old[$3] = $4 }
    tagged == "S" && $2 == "aborted" {
      keptids[$3] = $4
      sub(/^aborted [^ ]+ [^ ]+ /, "", text); kept[$3] = text
    }
    tagged == "V" { keepable = 1 }
    tagged == "E" { errors[$2] = $3; policy[$2] = $4; last[$2] = $5 }
    # priority, number, microseconds, flags; message. The facility of the kernel is 0.
    tagged == "K" && text == "whole" { records = 1 }
    tagged == "K" && text ~ /^[0-9]+,[0-9]+,[0-9]+,[^;]*;/ {
      split(text, part, ",")
      if (part[1] >= 8) next
      stamp = int(part[3] / 1000000); exactly = 1
      sub(/^[^;]*;/, "", text)
      if (text ~ interesting) weigh_message()
      next
    }
    tagged == "D" && text == "whole" { reported = 1; next }
    tagged == "D" && !records {
      exactly = 0
      if (!begun++) { split("", aborted); split("", again) }
      if (text ~ /^<[0-9]+>/) {
        if (substr(text, 2) + 0 >= 8) next
        sub(/^<[0-9]+>/, "", text)
      }
      stamp = ""
      if (match(text, /^\[ *[0-9]+\.[0-9]+\] ?/)) {
        stamp = substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
        sub(/^\[ *[TC][0-9]+\] /, "", text)
      }
      # Since 3.8 every user may mount something, and so log a name with a line break in it, which some dmesg show as a
      # new line of the same microsecond. What follows one of the messages below at once is no such name.
      if (version >= 3008 && stamp != "" && stamp == before && foreign) next
      before = stamp
      foreign = text !~ /^(EXT[234]|XFS|BTRFS|JBD|Aborting|Buffer|end_request|blk_|print_req|I\/O error|sd |lost |mpt|journal|ext[34]_abort|Remounting)/
      if (text ~ interesting) weigh_message()
      next
    }
    tagged == "M" {
      for (at = 8; at <= NF && $at != "-"; at++);
      type = $(at + 1); source = $(at + 2)
      exact = 1
      if (at + 3 > NF || type == "rootfs" || kind(type, source) == "memory") next
      name = ($4 in bynumber) ? bynumber[$4] : diskname(source)
      sub(/.*\//, "", name)
      add($4 ($4 ~ /^0:/ ? "," type : ""), name, $6, source, type, $7, $(at + 3), $2, $5)
    }
    tagged == "T" {
      if (NF < 5 || $4 == "rootfs" || kind($4, $2) == "memory") next
      name = diskname($2)
      # A source that names nothing (none, or overlay) is that of many file systems.
      key = (name in byname) ? byname[name] : $2 "," $4 ($2 ~ /[\/:]/ ? "" : "," $3)
      add(key, name, $3, $2, $4, $5, $5, 0, "")
    }
    END {
      if (count == 0) { print "U"; exit }
      if (records || reported) print "L"
      for (n = 1; n <= count; n++) {
        key = order[n]; super = supers[key]; name = names[key]; what = kind(types[key], of[key]); state = ""; why = ""
        readonly = has(super, "ro") && !(key in superrw)
        intended = what == "media" || (what == "union" && readonly) || place[key] ~ /^(\/var\/lib\/snapd)?\/snap\//
        if (!intended && (key in entry)) intended = asks_read_only(entry[key])
        if (!intended && !(key in entry) && allro[key] && !(key in writable)) intended = 1
        # Whoever mounts it ro sets the flag of the mount too; a kernel that gives up does not.
        bykernel = what == "disk" && exact && readonly && !(key in somero)
        if (bykernel) intended = 0
        if (what != "media" && has(super, "shutdown")) { state = "SHUT DOWN"; why = "shutdown in the mount table" }
        else if (what != "media" && has(super, "emergency_ro")) { state = "READ-ONLY"; why = "emergency_ro in the mount table" }
        else if (!intended && readonly) {
          state = "READ-ONLY"
          why = "ro in the mount table; " (bykernel ? "the kernel itself made it read-only" : (key in entry) ? "fstab, line " line[key] ", says writable" : "it was writable")
        }
        if (!intended && (name in errors)) {
          before = (name in old) ? old[name] : (last[name] + 5 >= boot && boot > 0 ? 0 : errors[name])
          if (before > errors[name] + 0) before = errors[name]
          print "S", "errors " name " " before
          if (errors[name] > before + 0) {
            more = "ext4 counted " (errors[name] - before) " new errors; errors=" policy[name]
            # These kernels show it in the mount table; others, after CVE-2024-50191, do not.
            shows = version > 0 && (version < 4018 || version >= 6015)
            # The log alone is no proof of a new mount: the time of the error must be from before it, too.
            since = (name in again) && !(name in aborted) && last[name] <= again[name] && boot > 0 && last[name] > 0
            if (state == "" && policy[name] == "remount-ro" && !shows && !since) state = "READ-ONLY"
            if (state == "") { print "W", "HAS ERRORS", key, place[key], of[key], types[key], more; warned[key] = 1 }
            else why = why (why == "" ? "" : "; ") more
          }
        }
        # What the log has lost since, because other messages went over it.
        isold = !(name in spoken) && (key in kept) && stillmounted(key)
        if (isold) aborted[name] = kept[key]
        quiet = (name in errors) && (errors[name] == 0 || (boot > 0 && last[name] > 0 && last[name] < boot - 5))
        if (!intended && (name in aborted) && !(quiet && counted[name])) {
          if (state == "") state = types[key] == "xfs" ? "SHUT DOWN" : "READ-ONLY"
          why = why (why == "" ? "" : "; ") (isold ? "an earlier run saw in the log: " : records ? "the kernel logged: " : "reported in the log of the kernel: ") aborted[name]
          text = aborted[name]; gsub(/\t/, " ", text)
          print "S", "aborted " key " " ids[key] " " text
        }
        if (!readonly || (key in writable)) print "S", "rw " key
        print "F", (state == "READ-ONLY" ? "read-only" : state == "SHUT DOWN" ? "shut-down" : (key in warned) ? "errors" : "ok"), place[key], of[key], types[key]
        if (state != "") print "A", state, key, place[key], of[key], types[key], why
      }
    }
  '
}

# What cannot be printed becomes a question mark: no name can end a line, a field or a header, or move a terminal.
printable() {
  tr -c '\011\012\040-\176' '?'
}

# Written as it is: a printf that is a program may lie on the disk that hangs.
tab='	'
# look: sets $found, what weigh printed, and of it $alarms (with the warnings) and $critical (without).
look() {
  found=$(gather | printable | weigh)
  alarms=$(lines "$found" | grep "^[AW]$tab")
  critical=$(lines "$found" | grep "^A$tab")
}

listed() {
  [ -z "$alarms" ] || lines "$alarms" | awk -F '\t' '{ print $4 ": " $2 " (" $6 " on " $5 "): " $7 }'
}

disks='^(\[ *[0-9.]+\] *)?(sd |SCSI|end_request|blk_|print_req|I/O error|Buffer|lost |mpt|EXT[234]|XFS|BTRFS|JBD|Aborting|Remounting)'
trouble='SCSI [Ee]rror|Result: hostbyte|I/O error|EXT[234]-fs (error|abort)|read-only|Aborting|XFS|BTRFS'

choose_host() {
  host=$(uname -n | tr -cd 'A-Za-z0-9._-')
  [ -n "$host" ] || host=unknown-host
}

# As hostname -f has it, without asking a name server where /etc/hosts knows it.
full_name() {
  case $host in *.*) lines "$host" && return ;; esac
  full=$(awk -v host="$host" '
    { sub(/#.*/, ""); for (n = 2; n <= NF; n++) if (index($n, host ".") == 1) { print $n; exit } }
  ' "$root/etc/hosts" 2>/dev/null)
  [ -n "$full" ] || full=$(limited 5 hostname -f 2>/dev/null </dev/null)
  full=$(lines "$full" | tr -cd 'A-Za-z0-9._-')
  case $full in "$host".*) lines "$full" ;; *) lines "$host" ;; esac
}

# mail SUBJECT TEXT
mail() {
  sender=root@$(full_name)
  message=$(
    echo "From: $sender"
    echo "To: $address"
    lines "Subject: $(lines "$host$1" | printable | head -n 1 | cut -c 1-160)"
    echo 'Auto-Submitted: auto-generated'
    echo
    lines "$2"
    echo
    echo 'The kernel said:'
    [ -n "$tree" ] || "$dmesg" 2>/dev/null | grep -E "$disks" | grep -E "$trouble" | tail -n 20 | printable
  )
  lines "$message" | deliver "$sender" && return 0
  # The console and a remote syslog may still see it. Mail is tried again by the next run.
  [ -n "$tree" ] || lines "<2>mptfix-watch: $host$1${detail:+: $detail}" 2>/dev/null >"$root/dev/kmsg"
  return 1
}

# by_sendmail SENDER: one that waits for the disk is left after half a minute.
by_sendmail() {
  program=$(where sendmail) || program=/usr/lib/sendmail
  [ -x "$program" ] && limited 30 "$program" -f "$1" -t >/dev/null 2>&1
}

advice='See that the storage answers again first. Do not run fsck on a mounted file system, and do not remount it
rw: an aborted journal has to be checked. Not the root: umount it, e2fsck -f (XFS: mount it once to replay its log),
mount it. The root: reboot with a forced check (kernel argument forcefsck; with systemd fsck.mode=force).
Then start again what died with it: network, sshd.'
# A reader sees the old file or the new one.
keep_seen() {
  remember seen "$(lines "$found" | sed -n "s/^S$tab//p" | sort -u)"
}
remember() {
  lines "$2" | grep . >"$memory/$1.new"
  mv "$memory/$1.new" "$memory/$1"
}

# told: state, key, place, when to report it again, after how many days then.
compare() {
  { tag T "$memory/told"; lines "$alarms" | sed 's/^/A /'; } | awk -F '\t' -v OFS='\t' -v now="$now" -v want="$1" -v longest="$longest" '
    /^T / { line = substr($0, 3); key = substr($1, 3) "\t" $2; told[key] = line; next }
    NF > 3 {
      key = $2 "\t" $3
      here[key] = 1
      split(told[key], old, "\t")
      days = old[5] == "" ? 1 : old[5]
      isdue = old[4] + 0 <= now
      if (want == "due" && isdue) print $4
      if (want == "stay" && !isdue) print told[key]
      if (want == "known" && (key in told) && old[4] != "") print told[key]
      if (want == "stay" && isdue) print $2, $3, $4, now + days * 86400, (days < longest ? days * 2 : longest)
    }
    END { if (want == "gone") for (key in told) if (!(key in here)) print told[key] }
  '
}

# tell LONGEST: mails what is new, what is due again (after 1, 2, 4 ... LONGEST days) and what is over. 1: not all was taken.
tell() {
  longest=$1
  untold=0
  list=$(lines "$alarms" | awk -F '\t' 'NF > 3 { print $4 ": " $2; print "  " $6 " on " $5 " (" $3 ")"; print "  " $7 }')
  detail=$(lines "$alarms" | awk -F '\t' 'NF > 3 { printf "%s%s %s", (n++ ? ", " : ""), $2, $4 }')
  case $alarms in
  *"A$tab"*) subject=' has read-only file systems' ;;
  *"HAS ERRORS$tab"*) subject=' has file systems with errors' ;;
  *) subject=': cannot tell whether a file system is read-only' ;;
  esac
  list="$list

$advice"
  if [ -z "$memory" ]; then
    # Without a record of what was reported, everything is reported each time.
    [ -z "$alarms" ] || mail "$subject" "$list" || untold=1
    return $untold
  fi
  # One run at a time tells. One that was killed is known by its process.
  if ! mkdir "$memory/lock" 2>/dev/null; then
    holder=$(cat "$memory/lock/pid" 2>/dev/null)
    if [ -n "$holder" ] && [ "$holder" != $$ ] && kill -0 "$holder" 2>/dev/null; then return 0; fi
  fi
  echo $$ >"$memory/lock/pid"
  trap 'rm -rf "$memory/lock" "$memory/try"' 0
  trap 'exit 143' 1 2 15
  keep_seen
  touch "$memory/told"
  now=$(date +%s)
  gone=$(compare gone)
  stay=$(compare stay)
  if [ -n "$(compare due)" ]; then
    if mail "$subject" "$list"; then
      remember told "$stay
$gone"
    else
      untold=1
    fi
  fi
  if [ -n "$gone" ]; then
    over=$(lines "$gone" | awk -F '\t' '{ print $3 ($1 == "CANNOT TELL" ? ": can be read again" : ": writable again, or no longer mounted (was: " $1 ")") }')
    places=$(lines "$gone" | awk -F '\t' '$1 != "CANNOT TELL" { printf "%s%s", (n++ ? ", " : ""), $3 }')
    detail=
    subject=": writable again: $places"
    [ -n "$places" ] || subject=': the watch can tell again'
    if mail "$subject" "$over"; then remember told "$(compare known)"; else untold=1; fi
  fi
  return $untold
}
#@END-SHARED@

deliver() {
  by_sendmail "$1"
}

tree=
choose_programs
choose_memory
choose_host
look
case $found in
U*)
  echo "$0: there is no mount table" >&2
  exit 3
  ;;
esac
listed
tell 32
[ -z "$critical" ] || exit 1
exit 0
