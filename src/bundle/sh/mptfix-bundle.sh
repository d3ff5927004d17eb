#!/bin/sh
# One module for one kernel, and what installs it: see `sh FILE --help`. Made by `mptfix build`.
# Runs under any POSIX sh with the tools of 2003: none of sha256sum, flock, stat, mktemp, readlink is needed.
#
# ls -n is what POSIX has in the place of stat; what stands after || always ends the run; lists are of plain names; the
# numbers of signals are understood everywhere; and w0 to w15 are read by code that is written here.
# shellcheck disable=SC2010,SC2012,SC2015,SC2034,SC2086,SC2153,SC2172,SC2317

LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077

# What follows to the next such line was written by `mptfix build`.
#@FACTS@

usage() {
  cat <<END
usage: sh $0 COMMAND [--root DIR] [--yes] [--force] [--json]

For the module $MODULE of the kernel $RELEASE ($ARCH).

  check     say whether this is the guest that it was made for, and whether it is still affected; writes nothing
  apply     install the module; asks first
  status    say what is installed; writes nothing
  rollback  put back what was there before the last installation; asks first

  --root DIR   a guest's tree instead of this machine
  --yes        do not ask
  --force      also where the module is another than the proofs compared with, or was changed since
  --json       print one line of JSON
  --version    print what this file holds

Exit status: 0 done, or nothing wrong; 2 wrong usage; 3 something is missing; 4 this file is damaged; 8 failed and all
put back; 9 failed and not all put back; 10 check: affected; 11 check: cannot tell; 12 another run is at work.
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

# die STATUS CODE WHAT NEXT
die() {
  if [ -n "$json" ]; then
    printf '{"schema":"mptfix.error/1","error":{"code":"%s","what":"%s","next":"%s"}}\n' "$2" "$(quote "$3")" "$(quote "$4")"
  else
    warn "error: $3"
    warn "  next: $4"
  fi
  exit "$1"
}

# answer STATUS RESULT DETAIL
answer() {
  if [ -n "$json" ]; then
    printf '{"schema":"mptfix.bundle/1","command":"%s","result":"%s","detail":"%s","kernel":"%s","module":"%s","sha256":"%s"}\n' \
      "$command" "$2" "$(quote "$3")" "$RELEASE" "$MODULE_PATH" "$NEW_SHA256"
  else
    printf '%s\n' "$3"
  fi
  exit "$1"
}

# --- Hashes -----------------------------------------------------------------------------------------------------------

# SHA-256 of nothing: what says so can do it.
EMPTY=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

choose_hash() {
  for hasher in sha256sum 'openssl dgst -sha256' 'shasum -a 256'; do
    case $($hasher </dev/null 2>/dev/null) in *$EMPTY*) return ;; esac
  done
  hasher=
  define_block
}

# The shell's own numbers may have 32 bits or 64: only the low 32 of a sum count, and a shift to the right is masked.
# rotations X N N N: in r, the three of them
rotations() {
  r=
  x=$1
  shift
  for n in "$@"; do
    r="$r${r:+ ^ }(($x >> $n & $(((1 << (32 - n)) - 1)))|($x << $((32 - n))))"
  done
}

# Writes the code of one block of 64 bytes, once in a run.
define_block() {
  mask=
  [ $((65536 * 65536)) -eq 0 ] || mask=' & 4294967295'
  code=
  t=0
  set -- a b c d e f g h
  # FIPS 180-4: the first 32 bits of the fractional parts of the cube roots of the first 64 primes, as signed numbers.
  for k in 1116352408 1899447441 -1245643825 -373957723 961987163 1508970993 -1841331548 -1424204075 -670586216 310598401 \
    607225278 1426881987 1925078388 -2132889090 -1680079193 -1046744716 -459576895 -272742522 264347078 604807628 \
    770255983 1249150122 1555081692 1996064986 -1740746414 -1473132947 -1341970488 -1084653625 -958395405 -710438585 \
    113926993 338241895 666307205 773529912 1294757372 1396182291 1695183700 1986661051 -2117940946 -1838011259 \
    -1564481375 -1474664885 -1035236496 -949202525 -778901479 -694614492 -200395387 275423344 430227734 506948616 \
    659060556 883997877 958139571 1322822218 1537002063 1747873779 1955562222 2024104815 -2067236844 -1933114872 \
    -1866530822 -1538233109 -1090935817 -965641998; do
    w=w$((t % 16))
    if [ $t -ge 16 ]; then
      rotations w$(((t + 1) % 16)) 7 18
      one="$r ^ ($x >> 3 & 536870911)"
      rotations w$(((t + 14) % 16)) 17 19
      code="$code
$w=\$((($w + w$(((t + 9) % 16)) + ($one) + ($r ^ ($x >> 10 & 4194303)))$mask))"
    fi
    rotations "$5" 6 11 25
    one=$r
    rotations "$1" 2 13 22
    code="$code
$8=\$(($8 + ($one) + (($5 & $6) ^ (~$5 & $7)) + ($k) + $w))
$4=\$((($4 + $8)$mask))
$8=\$((($8 + ($r) + (($1 & $2) ^ ($1 & $3) ^ ($2 & $3)))$mask))"
    set -- "$8" "$1" "$2" "$3" "$4" "$5" "$6" "$7"
    t=$((t + 1))
  done
  eval "sha256_block() { a=\$h0 b=\$h1 c=\$h2 d=\$h3 e=\$h4 f=\$h5 g=\$h6 h=\$h7 $code
h0=\$(((h0 + a)$mask)) h1=\$(((h1 + b)$mask)) h2=\$(((h2 + c)$mask)) h3=\$(((h3 + d)$mask))
h4=\$(((h4 + e)$mask)) h5=\$(((h5 + f)$mask)) h6=\$(((h6 + g)$mask)) h7=\$(((h7 + h)$mask)); }"
}

# Where the guest has no program for it: some seconds for each megabyte.
slow_sha256() {
  od -An -v -tu1 | awk '
    function add(byte) {
      word = word * 256 + byte
      if (++n % 4 == 0) {
        if (word >= 2147483648) word -= 4294967296
        line = line " " sprintf("%.0f", word); word = 0
        if (n % 64 == 0) { print substr(line, 2); line = "" }
      }
    }
    { for (at = 1; at <= NF; at++) add($at) }
    END {
      size = n; add(128)
      while (n % 64 != 56) add(0)
      bits = size * 8; high = int(bits / 4294967296); low = bits - high * 4294967296
      add(0); add(0); add(0); add(high)
      add(int(low / 16777216)); add(int(low / 65536) % 256); add(int(low / 256) % 256); add(low % 256)
    }
  ' | {
    # The same of the square roots of the first 8 primes.
    h0=1779033703 h1=-1150833019 h2=1013904242 h3=-1521486534 h4=1359893119 h5=-1694144372 h6=528734635 h7=1541459225
    while read -r w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15; do sha256_block; done
    for part in "$h0" "$h1" "$h2" "$h3" "$h4" "$h5" "$h6" "$h7"; do
      printf '%04x%04x' $((part >> 16 & 65535)) $((part & 65535))
    done
  }
}

# Of what is read: the 64 digits alone.
sha256() {
  if [ -n "$hasher" ]; then
    $hasher | sed 's/.*= *//; s/ .*//'
  else
    slow_sha256
  fi
}

# The shell's own way takes seconds: what was hashed before in this run is known by its checksum.
sha256_of() {
  [ -f "$1" ] || return 1
  if [ -n "$hasher" ] || [ ! -d "$work" ]; then
    sha256 <"$1"
    return
  fi
  sum=$(cksum <"$1" 2>/dev/null | tr ' ' :)
  known=$(sed -n "s/^$sum=//p" "$work/sums" 2>/dev/null | sed 1q)
  if [ -z "$sum" ] || [ -z "$known" ]; then
    known=$(sha256 <"$1")
    printf '%s=%s\n' "$sum" "$known" 2>/dev/null >>"$work/sums"
  fi
  printf '%s' "$known"
}

# --- This file --------------------------------------------------------------------------------------------------------

payload() {
  dd if="$self" bs=512 skip="$PAYLOAD_SKIP" 2>/dev/null
}

# Before anything else: by the best of the hashes that the guest has.
prove_self() {
  size=$(ls -ln "$self" | awk '{ print $5 }')
  if [ "$size" = $(((PAYLOAD_SKIP + PAYLOAD_BLOCKS) * 512)) ]; then
    if [ -n "$hasher" ]; then
      [ "$(payload | sha256)" = "$PAYLOAD_SHA256" ] && return
    else
      case $(payload | sha1sum 2>/dev/null || payload | openssl dgst -sha1 2>/dev/null) in
      *$PAYLOAD_SHA1*) return ;;
      *[0-9a-f]*) ;;
      *) [ "$(payload | sha256)" = "$PAYLOAD_SHA256" ] && return ;;
      esac
    fi
  fi
  die 4 E_ARCHIVE_TRUNCATED "$self is damaged: it is not what mptfix build wrote" 'copy the file to this guest once more'
}

# unpack DIR: module, artifact.json, kernel.json
unpack() {
  payload | (cd "$1" && tar xf -) && [ "$(sha256_of "$1/module")" = "$NEW_SHA256" ]
}

# --- Files ------------------------------------------------------------------------------------------------------------

# A name that mptfix too knows for an unfinished write, and that neither depmod nor a boot loader takes for one of theirs.
temporary_of() {
  printf '%s/.%s.mptfix-%012x.tmp' "${1%/*}" "${1##*/}" $$
}

# Waits for the disk. An old sync takes no names, and waits for all disks.
durable() {
  sync "$@" 2>/dev/null || sync
}

rename() {
  durable "$1"
  mv -f "$1" "$2" || return 1
  # rename(2) does nothing where both names already are of one file.
  rm -f "$1"
  durable "${2%/*}"
}

# link_or_copy FROM TO: every attribute is the original's own.
link_or_copy() {
  ln "$1" "$2" 2>/dev/null || cp -p "$1" "$2"
}

# put_back KEPT PATH
put_back() {
  temporary=$(temporary_of "$2")
  rm -f "$temporary"
  link_or_copy "$1" "$temporary" && rename "$temporary" "$2"
}

# The state of a file as JSON: bytes, mode, owner, time. GUEST_PATH FILE
record() {
  [ -f "$2" ] || {
    printf null
    return
  }
  seconds=$(date -r "$2" +%s 2>/dev/null)
  exact=$(date -r "$2" +%s.%N 2>/dev/null)
  case $exact in
  *[!0-9.]* | '') exact=${seconds:-0}.000000000 ;;
  *.?????????) ;;
  *) exact=${seconds:-0}.000000000 ;;
  esac
  ls -lnL "$2" | awk -v path="$1" -v hash="$(sha256_of "$2")" -v time="$exact" '
    function three(from,   n) {
      n = (substr($1, from, 1) == "r") * 4 + (substr($1, from + 1, 1) == "w") * 2
      return n + (substr($1, from + 2, 1) ~ /[xst]/)
    }
    NR == 1 {
      special = (substr($1, 4, 1) ~ /[sS]/) * 4 + (substr($1, 7, 1) ~ /[sS]/) * 2 + (substr($1, 10, 1) ~ /[tT]/)
      mode = special "" three(2) "" three(5) "" three(8)
      printf "{\"path\":\"%s\",\"sha256\":\"%s\",\"size\":%d,\"mode\":\"%s\",\"uid\":%d,\"gid\":%d,\"mtime\":\"%s\"}", path, hash, $5, mode, $3, $4, time
    }
  '
}

# JSON as lines: steps.0.files.0.path, a tab, the value. Of what a string escapes only the quote and the slash are told.
flatten() {
  awk '
    function next_is(pattern) { return match(text, pattern) }
    function skip() { if (next_is("^[ \t\r\n]+")) text = substr(text, RLENGTH + 1) }
    function value(path,   key, n) {
      skip()
      if (substr(text, 1, 1) == "{") {
        text = substr(text, 2); skip()
        while (substr(text, 1, 1) == "\"") {
          key = string(); skip()
          text = substr(text, 2)
          value(path == "" ? key : path "." key); skip()
          if (substr(text, 1, 1) == ",") { text = substr(text, 2); skip() }
        }
        text = substr(text, 2)
      } else if (substr(text, 1, 1) == "[") {
        text = substr(text, 2); skip()
        for (n = 0; text != "" && substr(text, 1, 1) != "]"; n++) {
          value(path "." n); skip()
          if (substr(text, 1, 1) == ",") { text = substr(text, 2); skip() }
        }
        text = substr(text, 2)
      } else if (substr(text, 1, 1) == "\"") {
        print path "\t" string()
      } else if (next_is("^[-+.a-zA-Z0-9]+")) {
        print path "\t" substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
      } else { text = ""; exit 1 }
    }
    function string(   found) {
      if (!next_is("^\"([^\"\\\\]|\\\\.)*\"")) { text = ""; return "" }
      found = substr(text, 2, RLENGTH - 2); text = substr(text, RLENGTH + 1)
      gsub(/\\"/, "\"", found); gsub(/\\\//, "/", found)
      return found
    }
    { text = text $0 "\n" }
    END { value("") }
  ' "$1"
}

# field PATH: of what flatten gave, in $flat
field() {
  printf '%s\n' "$flat" | awk -F '\t' -v path="$1" '$1 == path { print $2; exit }'
}

# --- Generations ------------------------------------------------------------------------------------------------------

numbers() {
  ls "$generations" 2>/dev/null | grep '^[1-9][0-9]*$' | sort -n
}

newest() {
  for number in $(numbers); do
    [ ! -f "$generations/$number/originals.json" ] || printf '%s\n' "$number"
  done | sort -rn
}

# What the last line of its kind in the journal says.
state_of() {
  sed -n 's/.*"event":"\([a-z-]*\)".*/\1/p' "$generations/$1/journal.ndjson" 2>/dev/null | awk '
    BEGIN { state = "open" }
    $1 == "begin" || $1 == "rolling-back" { state = "open" }
    $1 == "committed" { state = "installed" }
    $1 == "rolled-back" { state = "rolled-back" }
    END { print state }
  '
}

# note GENERATION EVENT [MORE]: one line of the journal, on the disk before what it announces.
note() {
  file=$generations/$1/journal.ndjson
  # A power cut may have left half a line: it must not swallow this one.
  if [ -s "$file" ] && [ "$(tail -n 1 "$file" | wc -l)" -eq 0 ]; then printf '\n' >>"$file"; fi
  printf '{"time":"%s","event":"%s"%s}\n' "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$2" "$3" >>"$file" || return 1
  durable "$file"
}

kernel_of() {
  flat=$(flatten "$generations/$1/originals.json")
  field kernel
}

# The state is the guest's: an undo trusts nobody else's, and no other places than those of a module or an image.
require_safe() {
  for folder in "$state" "$generations" "$generations/$1"; do
    case $(ls -ldn "$folder" | awk '{ print $1, $3 }') in
    drwx------*" $(id -u)") ;;
    *) die 3 E_STATE_UNSAFE "$folder is not this user's own, or is open to others" "find out who changed it; then: chmod 700 $folder" ;;
    esac
  done
  odd=$(printf '%s\n' "$flat" | awk -F '\t' -v release="$RELEASE" -v number="$1" '
    function odd(what) { print what; exit }
    $1 == "schema" && $2 != "mptfix.transaction/1" { odd("schema " $2) }
    $1 == "number" && $2 != number { odd("number " $2) }
    $1 ~ /^steps\.[0-9]+\.kind$/ && $2 !~ /^(module|index|kept-image|image-build|image)$/ { odd("a step of the kind " $2) }
    $1 ~ /^steps\..*\.(path|backup|output|image)$/ && $2 != "null" {
      if ($2 ~ /\/\.\.?\// || $2 ~ /\/\.\.?$/ || $2 !~ /^[A-Za-z0-9._\/+~-]+$/) odd($2)
      if ($1 ~ /\.backup$/ && $2 !~ /\//) next
      if (index($2, "/lib/modules/" release "/") == 1 || $2 == "/var/lib/initramfs-tools/" release) next
      if ($2 ~ /^\/boot\/\.?init[^\/]*$/ && index($2, release)) next
      odd($2)
    }
  ')
  [ -z "$odd" ] || die 3 E_STATE_UNSAFE "$generations/$1 names $odd, which this file cannot undo" 'undo it with mptfix rollback'
}

# Whether the generation wrote this, or was about to: PATH HASH
is_ours() {
  grep -F "\"$1\":\"$2\"" "$generations/$generation/journal.ndjson" >/dev/null 2>&1 && return
  [ -f "$generations/$generation/manifest.json" ] || return 1
  flatten "$generations/$generation/manifest.json" | awk -F '\t' -v path="$1" -v hash="$2" '
    $1 ~ /^after\./ && $1 ~ /\.path$/ { at = $2 }
    $1 ~ /^after\./ && $1 ~ /\.sha256$/ && at == path && $2 == hash { found = 1 }
    END { exit !found }
  '
}

# The kept copy of a file: in the generation's folder, or where the record says.
kept_path() {
  case $1 in
  /*) if [ -f "$root$1" ]; then printf '%s' "$root$1"; else printf '%s' "$generations/$generation/originals/$2"; fi ;;
  *) printf '%s' "$generations/$generation/originals/$1" ;;
  esac
}

# undo GENERATION: puts back all that its steps have changed. Safe to run again after it was stopped anywhere.
undo() {
  generation=$1
  flat=$(flatten "$generations/$generation/originals.json")
  require_safe "$generation"
  begun=$(sed -n 's/.*"event":"intent".*"step":\([0-9]*\).*/\1/p' "$generations/$generation/journal.ndjson" 2>/dev/null)
  if grep '"event":"committed"' "$generations/$generation/journal.ndjson" >/dev/null 2>&1 || [ -f "$generations/$generation/manifest.json" ]; then begun=all; fi
  count=$(printf '%s\n' "$flat" | grep -c '^steps\.[0-9]*\.kind')
  work=$generations/$generation/tmp
  rm -rf "$work"
  # Also on a full disk: only what was hashed is remembered there.
  mkdir "$work" 2>/dev/null
  left=
  index_left=
  for rank in module index image-build image kept-image; do
    step=$count
    while [ "$step" -gt 0 ]; do
      step=$((step - 1))
      [ "$(field "steps.$step.kind")" = "$rank" ] || continue
      case " $(printf '%s' "$begun" | tr '\n' ' ') " in *" all "* | *" $step "*) ;; *) continue ;; esac
      undo_step "$step" "$rank" || return 1
    done
  done
  remove_temporary
  put_times_back
  rm -rf "$work"
  durable "$root${MODULE_PATH%/*}" "$generations"
}

undo_step() {
  case $2 in
  image-build)
    rm -f "$root$(field "steps.$1.output")"
    return
    ;;
  image) rm -f "$root$(field "steps.$1.output")" ;;
  esac
  file=0
  while path=$(field "steps.$1.files.$file.path") && [ -n "$path" ]; do
    undo_file "$1" "$file" "$path" "$2" || return 1
    file=$((file + 1))
  done
  if [ "$2" = index ] && [ -n "$index_left" ]; then run_depmod; fi
}

undo_file() {
  original=$(field "steps.$1.files.$2.original.sha256")
  kept=$(kept_path "$(field "steps.$1.files.$2.backup")" "${3##*/}")
  now=$(sha256_of "$root$3")
  if [ -z "$original" ]; then
    [ -z "$now" ] || rm -f "$root$3"
    return
  fi
  if [ "$now" = "$original" ] && [ "$4" != index ]; then
    # Whole already, but perhaps not its time and mode: these come with the kept file.
    [ ! -f "$kept" ] || same_file "$root$3" "$kept" || put_back "$kept" "$root$3"
    return
  fi
  [ "$now" != "$original" ] || return 0
  if [ -n "$now" ] && [ -z "$force" ] && ! is_ours "$3" "$now"; then
    case $4 in
    index) index_left=1 ;;
    *)
      left="$left $3"
      warn "$3 was changed by somebody else since: it is left as it is"
      ;;
    esac
    return 0
  fi
  [ "$(sha256_of "$kept")" = "$original" ] || {
    warn "$kept, the kept original of $3, is missing or was changed"
    return 1
  }
  put_back "$kept" "$root$3"
}

# Whether two names are of one file.
same_file() {
  [ "$(ls -di "$1" | awk '{ print $1 }')" = "$(ls -di "$2" | awk '{ print $1 }')" ]
}

# Times of folders are kept as those of empty files.
keep_time() {
  [ ! -d "$root$1" ] || touch -r "$root$1" "$generations/$generation/times/$(printf '%s' "$1" | tr / _)"
}

put_times_back() {
  for folder in "${MODULE_PATH%/*}" "/lib/modules/$RELEASE" /boot /var/lib/initramfs-tools; do
    time=$generations/$generation/times/$(printf '%s' "$folder" | tr / _)
    [ ! -f "$time" ] || touch -r "$time" "$root$folder"
  done
}

remove_temporary() {
  for folder in "${MODULE_PATH%/*}" /boot; do
    for name in "$root$folder"/.*.mptfix-????????????.tmp; do
      [ ! -f "$name" ] || rm -f "$name"
    done
  done
}

# forget GENERATION: the record first; without it the rest is nothing.
forget() {
  rm -f "$generations/$1/originals.json"
  rm -rf "${generations:?}/$1"
  rmdir "$generations" 2>/dev/null
  rmdir "$state" 2>/dev/null
}

# What an interrupted run has left, by whichever program: put back, the newest first.
settle() {
  for number in $(newest); do
    [ "$(state_of "$number")" = open ] || continue
    say "generation $number was interrupted: it is put back first"
    undo "$number" || die 9 E_INSTALL_UNDO "an interrupted run could not be put back" "remove the cause, then: sh $0 rollback"
    note "$number" rolling-back || true
    note "$number" rolled-back || true
  done
  for number in $(numbers); do
    [ -f "$generations/$number/originals.json" ] || rm -rf "${generations:?}/$number"
  done
}

# --- The guest --------------------------------------------------------------------------------------------------------

lock() {
  if [ ! -d "$root/var/lib" ]; then
    die 3 E_TARGET_MISSING "${root:-/} has no /var/lib" 'give --root the folder that holds the whole / of the guest'
  fi
  # mptfix locks this folder so; without flock(1) there is only the link below.
  if flock --version >/dev/null 2>&1; then
    exec 9<"$root/lib/modules"
    flock -n 9 2>/dev/null || die 12 E_LOCKED "another run is at work on ${root:-this guest}" 'wait until it has finished, then run the command again'
  fi
  lock_link=$root/var/lib/mptfix-lock
  me=$$.$(started $$)
  for try in 1 2 3; do
    # A link is made at once with all that it says, or not at all.
    if ln -s "$me" "$lock_link" 2>/dev/null; then
      locked=1
      return
    fi
    holder=$(ls -l "$lock_link" 2>/dev/null | sed 's/.* -> //')
    [ -n "$holder" ] || break
    if kill -0 "${holder%%.*}" 2>/dev/null && [ "$(started "${holder%%.*}")" = "${holder#*.}" ]; then
      die 12 E_LOCKED "another run (process ${holder%%.*}) is at work on ${root:-this guest}" 'wait until it has finished, then run the command again'
    fi
    [ "$try" = 3 ] || rm -f "$lock_link"
  done
  die 3 E_READ_ONLY "$root/var/lib cannot be written to" 'see that the storage answers again; then check the file system and mount it writable (a reboot with a forced check), and run the command again'
}

# When a process began, by the kernel's clock: a number that was given again is another process.
started() {
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{ print $20 }'
}

require_root() {
  [ "$(id -u)" = 0 ] || die 3 E_NOT_ROOT 'only root can do this' "sudo sh $0 $command, or as root"
}

require_guest() {
  if [ -z "$root" ]; then
    machine=$(uname -m)
    case "$machine:$ARCH" in
    x86_64:x86_64 | i?86:i386 | x86_64:i386) ;;
    *) die 3 E_ARCH_UNSUPPORTED "this is $machine, and the module is for $ARCH" "build one for this guest: mptfix build" ;;
    esac
    running=$(uname -r)
    [ "$running" = "$RELEASE" ] || [ -n "$force" ] ||
      die 3 E_KERNEL_UNKNOWN "this kernel is $running, and the module is for $RELEASE" 'build one for this kernel: mptfix build --kernel RELEASE'
  fi
  [ -d "$root/lib/modules/$RELEASE" ] ||
    die 3 E_KERNEL_UNKNOWN "${root:-this guest} has no kernel $RELEASE, for which the module was made" 'build one for its kernel: mptfix build --kernel RELEASE'
  [ -f "$root$MODULE_PATH" ] ||
    die 3 E_MODULE_MISSING "there is no $MODULE_PATH" 'the guest is not the one that the module was built for: run mptfix check'
  case $(cd "$root${MODULE_PATH%/*}" && pwd -P) in
  "${root:-/}"*) ;;
  *) die 3 E_TREE_ESCAPES "$MODULE_PATH leads out of $root" 'see where its links lead' ;;
  esac
}

# old: what the proofs compared with. new: what this file holds. other: neither.
module_is() {
  case $(sha256_of "$root$MODULE_PATH") in
  "$OLD_SHA256") printf old ;;
  "$NEW_SHA256") printf new ;;
  *) printf other ;;
  esac
}

# in_guest PROGRAM WORD...: of a tree its own.
in_guest() {
  if [ -n "$root" ]; then chroot "$root" "$@"; else "$@"; fi
}

has_program() {
  for folder in /sbin /usr/sbin /bin /usr/bin /usr/local/sbin /usr/local/bin; do
    [ ! -x "$root$folder/$1" ] || return 0
  done
  return 1
}

run_depmod() {
  in_guest depmod -a "$RELEASE" 9<&- >/dev/null 2>&1
}

# Whether the index leads to the module, and to no second one.
is_indexed() {
  awk -F : -v path="$MODULE_PATH" -v release="$RELEASE" -v name="$MODULE" '
    {
      file = $1; sub(/.*\//, "", file)
      if (file !~ ("^" name "\\.k?o(\\.(gz|xz|zst|bz2))?$")) next
      whole = $1 ~ /^\// ? $1 : "/lib/modules/" release "/" $1
      if (whole == path) found++; else other++
    }
    END { exit !(found == 1 && !other) }
  ' "$root/lib/modules/$RELEASE/modules.dep" 2>/dev/null
}

# --- Images -----------------------------------------------------------------------------------------------------------

# Which of the images of this kernel are there, with the tool that makes them: image, a tab, tool.
images() {
  image_names | while read -r image program tool; do
    [ -f "$root/boot/$image" ] || continue
    has_program "$program" || program=
    printf '%s\t%s\t%s\n' "/boot/$image" "${program:--}" "$tool"
  done | awk -F '\t' '
    # A name that two tools use is of the first that is there.
    !($1 in tool) { order[++n] = $1 }
    !($1 in tool) || (tool[$1] ~ /^-/ && $2 != "-") { tool[$1] = $2 "\t" $3 }
    END { for (at = 1; at <= n; at++) print order[at] "\t" tool[order[at]] }
  '
}

# open_image IMAGE DIR: its files, below that folder. 1: it cannot be opened here.
open_image() {
  rm -rf "$2"
  mkdir "$2" || return 1
  case $(dd if="$1" bs=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n') in
  1f8b*) gzip -dc <"$1" >"$2.plain" 2>/dev/null ;;
  28b52ffd) zstd -dc <"$1" >"$2.plain" 2>/dev/null ;;
  fd377a58) xz -dc <"$1" >"$2.plain" 2>/dev/null ;;
  425a68*) bzip2 -dc <"$1" >"$2.plain" 2>/dev/null ;;
  *) cp "$1" "$2.plain" ;;
  esac
  opened=1
  case $(dd if="$2.plain" bs=6 count=1 2>/dev/null) in
  070701 | 070702)
    # Only what is named so: a cpio of 2003 knows no other way to take a part.
    (cd "$2" && cpio -i -d --quiet "*/$MODULE.*" "$MODULE.*") <"$2.plain" >/dev/null 2>&1 && opened=0
    [ $opened = 0 ] || { (cd "$2" && cpio -i -d "*/$MODULE.*") <"$2.plain" >/dev/null 2>&1 && opened=0; }
    # An archive before the true one, with the processor's microcode: the tools of these years can read it.
    if [ -z "$(module_in "$2")" ] && [ -d "$2/kernel" ]; then opened=1; fi
    ;;
  *)
    # ext2, as the mkinitrd of RHEL 3 makes it: the magic is at byte 1080.
    if [ "$(dd if="$2.plain" bs=2 skip=540 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n')" = 53ef ]; then
      mkdir "$2.mount" && mount -o loop,ro -t ext2 "$2.plain" "$2.mount" 2>/dev/null && {
        (cd "$2.mount" && find . -name "$MODULE.*" -print | while read -r name; do cp "$name" "$2/"; done)
        umount "$2.mount"
        opened=0
      }
      rmdir "$2.mount" 2>/dev/null
    fi
    ;;
  esac
  rm -f "$2.plain"
  return $opened
}

module_in() {
  find "$1" -name "$MODULE.*" -type f -print | sed 1q
}

# same_module FILE FILE: packed or not
same_module() {
  cmp -s "$1" "$2" && return
  unpacked "$1" >"$work/one" && unpacked "$2" >"$work/other" && cmp -s "$work/one" "$work/other"
}

unpacked() {
  case $(dd if="$1" bs=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n') in
  1f8b*) gzip -dc <"$1" ;;
  28b52ffd) zstd -dc <"$1" ;;
  fd377a58) xz -dc <"$1" ;;
  *) cat "$1" ;;
  esac
}

#@TOOLS@

# --- Commands ---------------------------------------------------------------------------------------------------------

check() {
  require_guest
  case $(module_is) in
  old)
    [ "$AFFECTED" = 1 ] || answer 0 fixed "$MODULE_PATH has no such branch"
    answer 10 affected "affected: $MODULE_PATH is the module that this file replaces; to install: sh $0 apply"
    ;;
  new) answer 0 fixed "fixed: $MODULE_PATH is the module of this file" ;;
  *) answer 11 unknown "cannot tell: $MODULE_PATH is neither the module that the proofs compared with nor the one in this file" ;;
  esac
}

status() {
  [ -d "$root/lib/modules/$RELEASE" ] || require_guest
  if [ -d "$state" ] && ! ls "$generations" >/dev/null 2>&1 && [ "$(id -u)" != 0 ]; then
    answer 11 unknown "cannot tell: only root may read $state"
  fi
  result=not-installed
  detail="nothing is installed for $RELEASE"
  for number in $(newest | sort -n); do
    [ "$(kernel_of "$number")" = "$RELEASE" ] || continue
    now=$(state_of "$number")
    say "generation $number: $now"
    case $now in
    open)
      result=interrupted
      detail="generation $number was interrupted; sh $0 rollback puts it back"
      ;;
    installed)
      result=installed
      detail="generation $number is installed"
      after=$(flatten "$generations/$number/manifest.json" 2>/dev/null | awk -F '\t' '$1 == "module.after.sha256" { print $2 }')
      if [ "$(sha256_of "$root$MODULE_PATH")" != "$after" ]; then
        result=replaced
        detail="$MODULE_PATH was changed by somebody else since generation $number installed it"
      fi
      ;;
    esac
  done
  answer 0 "$result" "$detail"
}

confirm() {
  [ -z "$yes" ] || return 0
  [ -t 0 ] || die 2 E_CONFIRM_REQUIRED "$command changes this guest, and nobody can be asked" "sh $0 $command --yes"
  printf '%s\nGo on? [y/N] ' "$1" >&2
  read -r reply
  case $reply in y | Y | yes) ;; *) die 2 E_DECLINED 'nothing was changed' "sh $0 $command asks again" ;; esac
}

rollback() {
  require_root
  lock
  settled=
  for number in $(newest); do
    [ "$(state_of "$number")" != open ] || settled="$settled $number"
  done
  settle
  [ -z "$settled" ] || answer 0 settled "put back what was interrupted: generation$settled"
  for number in $(newest); do
    [ "$(kernel_of "$number")" = "$RELEASE" ] && [ "$(state_of "$number")" = installed ] || continue
    undo_installed "$number"
  done
  answer 0 nothing "nothing is installed for $RELEASE that could be undone"
}

undo_installed() {
  flat=$(flatten "$generations/$1/originals.json")
  require_safe "$1"
  manifest=$(flatten "$generations/$1/manifest.json")
  before=$(printf '%s\n' "$manifest" | awk -F '\t' '$1 == "module.before.sha256" { print $2 }')
  after=$(printf '%s\n' "$manifest" | awk -F '\t' '$1 == "module.after.sha256" { print $2 }')
  case $(sha256_of "$root$MODULE_PATH") in
  "$before" | "$after") ;;
  *) [ -n "$force" ] || die 3 E_FILE_CHANGED "$MODULE_PATH was changed by somebody else since it was installed: it is not overwritten" "to put the original back anyway: sh $0 rollback --force" ;;
  esac
  confirm "generation $1 will be undone"
  note "$1" rolling-back "${force:+,\"force\":true}" || die 8 E_INSTALL "the journal in $generations/$1 cannot be written" 'free some space and run the command again'
  undo "$1" || die 9 E_INSTALL_UNDO "the rollback was stopped; the originals are in $generations/$1/originals" "remove the cause, then: sh $0 rollback"
  note "$1" rolled-back
  answer 0 rolled-back "generation $1 is undone${left:+; left as they are:$left}"
}

# take_back CODE WHAT NEXT: a failed run leaves no trace.
take_back() {
  number=$transaction
  transaction=
  if [ -f "$generations/$number/originals.json" ]; then
    undo "$number" && [ -z "$left" ] ||
      die 9 E_INSTALL_UNDO "the installation failed ($2), and not everything could be put back" "the originals are in $generations/$number/originals; remove the cause, then: sh $0 rollback"
  fi
  forget "$number"
  die "${4:-8}" "$1" "$2" "$3"
}

failed() {
  take_back "${3:-E_INSTALL}" "the installation failed and everything was put back: $1" "${2:-remove the cause and run the same command again}"
}

# touched GUEST_PATH [KEPT]: what a step is about to change, as JSON; the name of its copy is its own unless given.
touched() {
  before=$(record "$1" "$root$1")
  if [ "$before" = null ]; then
    printf '{"path":"%s","original":null,"backup":null}' "$1"
  else
    printf '{"path":"%s","original":%s,"backup":"%s"}' "$1" "$before" "${2:-${1##*/}}"
  fi
}

keep() {
  [ -f "$root$1" ] || return 0
  link_or_copy "$root$1" "$folder/originals/${1##*/}" || return 1
  [ "$(sha256_of "$folder/originals/${1##*/}")" = "$(sha256_of "$root$1")" ]
}

require_space() {
  plan=$(
    for image in $rebuilt; do
      printf '/boot %s\n' "$(ls -lnL "$root$image" | awk '{ print int($5 * 1.3 / 1024) + 16 }')"
      printf '/var/lib %s\n' "$(ls -lnL "$root$image" | awk '{ print int($5 * 5 / 1024) + 16 }')"
    done
    printf '%s %s\n' "${MODULE_PATH%/*}" $((NEW_SIZE / 1024 + 8)) /var/lib $((NEW_SIZE / 256 + 256))
  )
  short=$(
    printf '%s\n' "$plan" | while read -r place need; do
      printf '%s %s\n' "$need" "$(df -Pk "$root$place" 2>/dev/null | sed -n 2p)"
    done | awk -v reserve=4096 '
      NF < 7 { print "df does not say how much is free; "; next }
      { need[$2] += $1; free[$2] = $5; at[$2] = $NF }
      END { for (disk in need) if (free[disk] < need[disk] + reserve) printf "%s needs %d KiB and has %d; ", at[disk], need[disk] + reserve, free[disk] }
    '
  )
  [ -z "$short" ] || take_back E_NO_SPACE "too little space: $(printf '%s' "$short" | sed 's/; *$//' | tr '\n' ' ')" 'free some (an old kernel is often the largest thing there), then run the command again' 3
}

apply() {
  require_root
  require_guest
  for place in "${MODULE_PATH%/*}" /boot /var/lib; do
    [ ! -d "$root$place" ] || [ -w "$root$place" ] ||
      die 3 E_READ_ONLY "$place cannot be written to" 'see that the storage answers again; then check the file system and mount it writable (a reboot with a forced check), and run the command again'
  done
  lock
  settle
  case $(module_is) in
  new) answer 0 unchanged "nothing to do: $MODULE_PATH is the module of this file" ;;
  other)
    [ -n "$force" ] || die 3 E_FILE_CHANGED "$MODULE_PATH is not the module that the proofs compared with (sha256 $OLD_SHA256)" "build one for this guest: mptfix build; to install it anyway: sh $0 apply --force"
    ;;
  esac
  last=$(newest | sed 1q)
  transaction=$((${last:-0} + 1))
  generation=$transaction
  folder=$generations/$transaction
  work=$folder/tmp
  rm -rf "$folder"
  mkdir -p "$work" && chmod 700 "$state" "$generations" "$folder" "$work" && mkdir "$folder/originals" "$folder/times" ||
    take_back E_READ_ONLY "$state cannot be written to" 'see that the storage answers again, and run the command again' 3
  unpack "$work" || take_back E_ARCHIVE_TRUNCATED "$self cannot be unpacked" 'free some space in /var/lib, or copy the file to this guest once more' 3
  choose_images
  require_space
  depmod=
  if [ "$REINDEX" = 1 ] || ! is_indexed; then depmod=1; fi
  [ -z "$depmod" ] || has_program depmod || take_back E_INDEX 'the module index must be rebuilt, and there is no depmod' 'install module-init-tools or kmod' 3
  confirm "$MODULE_PATH will be replaced${rebuilt:+, and built again:$rebuilt}"
  begin
  carry_out
  note "$transaction" committed || failed "the journal in $folder cannot be written"
  number=$transaction
  transaction=
  rm -rf "$work"
  answer 0 installed "generation $number is installed: $MODULE_PATH${rebuilt:+, and in}$rebuilt; it is in use after a reboot"
}

# Those that hold the driver; one that cannot be opened may hold it.
choose_images() {
  rebuilt=
  warnings=
  images >"$work/images"
  while read -r image program tool; do
    if open_image "$root$image" "$work/old"; then
      [ -n "$(module_in "$work/old")" ] || continue
    fi
    [ "$program" != - ] ||
      take_back E_INITRAMFS_TOOL "$image may hold the driver, and nothing on the guest makes such an image" "install $tool, then run the command again" 3
    rebuilt="$rebuilt $image"
  done <"$work/images"
}

tool_of() {
  awk -F '\t' -v image="$1" '$1 == image { print $3 }' "$work/images"
}

# Keeps every file that a step may touch, and only then writes the record.
begin() {
  for place in "${MODULE_PATH%/*}" "/lib/modules/$RELEASE" /boot /var/lib/initramfs-tools; do keep_time "$place"; done
  keep "$MODULE_PATH" || failed "$MODULE_PATH cannot be kept"
  steps="{\"kind\":\"module\",\"like\":\"$MODULE_PATH\",\"files\":[$(touched "$MODULE_PATH")]}"
  if [ -n "$depmod" ]; then
    files=
    for name in $INDEX_FILES; do
      keep "/lib/modules/$RELEASE/$name" || failed "$name cannot be kept"
      files="$files${files:+,}$(touched "/lib/modules/$RELEASE/$name")"
    done
    steps="$steps,{\"kind\":\"index\",\"release\":\"$RELEASE\",\"module\":\"$MODULE\",\"path\":\"$MODULE_PATH\",\"files\":[$files]}"
  fi
  for image in $rebuilt; do
    tool=$(tool_of "$image")
    output=$(temporary_of "$image")
    common="\"release\":\"$RELEASE\",\"module\":\"$MODULE\",\"tool\":\"$tool\",\"output\":\"$output\""
    files=$(touched "$image" "$image.mptfix-$transaction")
    for file in $(state_files "$tool"); do
      keep "$file" || failed "$file cannot be kept"
      files="$files,$(touched "$file")"
    done
    steps="$steps,{\"kind\":\"kept-image\",\"image\":\"$image\",\"files\":[$(touched "$image.mptfix-$transaction")]}"
    steps="$steps,{\"kind\":\"image-build\",\"image\":\"$image\",$common},{\"kind\":\"image\",$common,\"files\":[$files]}"
  done
  module_before=$(record "$MODULE_PATH" "$root$MODULE_PATH")
  printf '{"schema":"mptfix.transaction/1","purpose":"install","number":%d,"created":"%s","kernel":"%s","steps":[%s],"folders":[],"state":{"made":[],"parent":null}}\n' \
    "$transaction" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$RELEASE" "$steps" >"$work/originals.json" &&
    rename "$work/originals.json" "$folder/originals.json" || failed "the record in $folder cannot be written"
  note "$transaction" begin || failed "the journal in $folder cannot be written"
}

# intent KIND UNDO [BECOMES]
intent() {
  note "$transaction" intent ",\"step\":$step,\"kind\":\"$1\",\"undo\":[$2]${3:+,\"becomes\":{$3}}" ||
    failed "the journal in $folder cannot be written"
}

# done_with KIND [GUEST_PATH...]: what it left goes into the journal and into the manifest.
done_with() {
  kind=$1
  shift
  becomes=
  for path in "$@"; do
    [ -f "$root$path" ] || continue
    becomes="$becomes${becomes:+,}\"$path\":\"$(sha256_of "$root$path")\""
    after="$after${after:+,}$(record "$path" "$root$path")"
  done
  note "$transaction" "done" ",\"step\":$step,\"kind\":\"$kind\",\"becomes\":{$becomes}" ||
    failed "the journal in $folder cannot be written"
  step=$((step + 1))
}

carry_out() {
  step=0
  after=
  outcome="\"$MODULE_PATH has sha256 $NEW_SHA256\""
  image_records=
  put_module
  if [ -n "$depmod" ]; then
    intent index ''
    run_depmod || failed 'depmod failed'
    is_indexed || failed "modules.dep does not give $MODULE_PATH for $MODULE" 'another copy of the module takes precedence: remove it or its package'
    index_paths=
    for name in $INDEX_FILES; do index_paths="$index_paths /lib/modules/$RELEASE/$name"; done
    done_with index $index_paths
  fi
  for image in $rebuilt; do put_image "$image"; done
  [ "$(sha256_of "$root$MODULE_PATH")" = "$NEW_SHA256" ] && is_indexed || failed "$MODULE_PATH is not what the guest would load"
  outcome="$outcome,\"modules.dep names $MODULE_PATH and no other for $MODULE\""
  {
    printf '{"schema":"mptfix.manifest/1","generation":%d,"created":"%s","tool":"%s",' "$transaction" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$TOOL"
    printf '"kernel":%s,"module":{"name":"%s","path":"%s","before":%s,"after":%s},' \
      "$(cat "$work/kernel.json")" "$MODULE" "$MODULE_PATH" "$module_before" "$(record "$MODULE_PATH" "$root$MODULE_PATH")"
    printf '"artifact":'
    cat "$work/artifact.json"
    printf ',"placement":"in-place","images":[%s],"bootEntry":null,"outcome":[%s],"after":[%s],"warnings":[%s]}\n' \
      "$image_records" "$outcome" "$after" "$warnings"
  } >"$work/manifest.json" && rename "$work/manifest.json" "$folder/manifest.json" || failed "the manifest in $folder cannot be written"
}

put_module() {
  intent module "{\"path\":\"$MODULE_PATH\",\"restore\":\"$state_name/generations/$transaction/originals/${MODULE_PATH##*/}\"}" \
    "\"$MODULE_PATH\":\"$NEW_SHA256\""
  new=$(temporary_of "$root$MODULE_PATH")
  # The copy brings mode and owner, and writing into it keeps them.
  cp -p "$root$MODULE_PATH" "$new" && cat "$work/module" >"$new" || failed "$MODULE_PATH cannot be written"
  chcon --reference="$root$MODULE_PATH" "$new" 2>/dev/null
  touch "$new"
  rename "$new" "$root$MODULE_PATH" || failed "$MODULE_PATH cannot be replaced"
  done_with module "$MODULE_PATH"
}

put_image() {
  tool=$(tool_of "$1")
  output=$(temporary_of "$1")
  fallback=$1.mptfix-$transaction
  intent kept-image "{\"path\":\"$fallback\",\"restore\":null}"
  put_back "$root$1" "$root$fallback" || failed "$1 cannot be kept"
  done_with kept-image "$fallback"

  intent image-build ''
  build_image "$1"
  done_with image-build

  intent image "{\"path\":\"$1\",\"restore\":\"$fallback\"}" "\"$1\":\"$(sha256_of "$root$output")\""
  rename "$root$output" "$root$1" || failed "$1 cannot be replaced"
  for file in $(state_files "$tool"); do
    [ -f "$root$file" ] || continue
    new=$(temporary_of "$root$file")
    cp -p "$root$file" "$new" && state_content "$tool" "$file" "$(sha1sum <"$root$1" | sed 's/ .*//')" "$1" >"$new" && rename "$new" "$root$file" ||
      failed "$file cannot be written"
  done
  # shellcheck disable=SC2046
  done_with image "$1" $(state_files "$tool")
  image_records="$image_records${image_records:+,}{\"path\":\"$1\",\"fallback\":\"$fallback\",\"tool\":\"$tool\",\"before\":\"$(sha256_of "$root$fallback")\",\"after\":\"$(sha256_of "$root$1")\",\"proof\":\"$proof\"}"
}

build_image() {
  say "$tool builds $1"
  modules=$MODULE
  tool_argv "$tool" "$output" "$modules" >"$work/log" 2>&1 ||
    failed "$tool could not build $1: $(grep . "$work/log" | tail -n 1)" "see what $tool prints; the image that boots was not touched" E_INITRAMFS
  [ -s "$root$output" ] || failed "$tool wrote no image for $1" "see what $tool prints" E_INITRAMFS
  old=$(record "$1" "$root$1")
  chmod "$(printf '%s' "$old" | sed 's/.*"mode":"\([0-7]*\)".*/\1/')" "$root$output"
  chown "$(printf '%s' "$old" | sed 's/.*"uid":\([0-9]*\),"gid":\([0-9]*\).*/\1:\2/')" "$root$output"
  if open_image "$root$output" "$work/new"; then
    held=$(module_in "$work/new")
    [ -n "$held" ] && same_module "$held" "$work/module" ||
      failed "the new $1 does not hold the new module" "see that the guest names the driver for its images" E_INITRAMFS
    proof="it holds the new $MODULE"
  elif [ -n "$force" ]; then
    proof="it could not be opened here: not looked at"
    warn "warning: the new $1 could not be opened here: whether it holds the new module was not looked at"
    warnings="$warnings${warnings:+,}\"the new $1 could not be opened\""
  else
    failed "the new $1 cannot be opened here, so that it cannot be told whether it holds the new module" "to install it all the same: sh $0 apply --force" E_INITRAMFS
  fi
}

# --- Start ------------------------------------------------------------------------------------------------------------

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
