unsafe() {
  die 3 E_STATE_UNSAFE "$1" "${2:-find out who made it; if nobody needs it, move it out of $state, then run the command again}"
}

# The state is the guest's: nothing of it is read that others could have written, or that is no plain file or folder.
# In $known the generations with a record, the oldest first, and in $begun_only those that were stopped before it.
read_state() {
  known='' begun_only=''
  for folder in "$state" "$generations"; do
    require_own "$folder" || return 0
  done
  names=$(ls "$generations" 2>/dev/null | grep '^[1-9][0-9]*$' | sort -n)
  [ "$(printf '%s\n' "$names" | wc -l)" -le 1000 ] || unsafe "$generations holds more than 1000 entries"
  for number in $names; do
    folder=$generations/$number
    [ -d "$folder" ] && [ ! -h "$folder" ] || continue
    # No guest has had that many; a shell of 32 bits could not count on.
    [ ${#number} -le 6 ] && [ "$number" -lt 999999 ] || unsafe "$folder has a number that mptfix has not counted to"
    require_own "$folder"
    require_files "$folder"
    if [ -f "$folder/originals.json" ]; then known="$known $number"; else begun_only="$begun_only $number"; fi
  done
}

# The generations with a record, the newest first.
newest() {
  for number in $known; do printf '%s\n' "$number"; done | sort -rn
}

# require_own FOLDER: 1 where there is none.
require_own() {
  [ -d "$1" ] || [ -h "$1" ] || return 1
  case $(ls -ldn "$1" | awk '{ print $1, $3 }') in
  d????-??-*" $(id -u)") ;;
  *) unsafe "$1 is a link, or not this user's own, or others may write to it" "find out who changed it; then: $(typed_shell chown root "$1") and $(typed_shell chmod 700 "$1")" ;;
  esac
}

# A pipe would be waited for, a link leads elsewhere, and what is large is not ours.
require_files() {
  odd=$(
    for name in originals.json journal.ndjson manifest.json links originals times tmp; do
      [ -e "$1/$name" ] || [ -h "$1/$name" ] || continue
      ls -ldn "$1/$name" | awk -v name="$name" -v self="$(id -u)" '
        NR > 1 { next }
        name ~ /\.|links/ ? $1 !~ /^-....-..-/ || $5 > 262144 : $1 !~ /^d....-..-/ { print name; next }
        $3 != self { print name }
      '
    done
  )
  [ -z "$odd" ] || unsafe "$1 holds something that mptfix has not written so: $(printf '%s' "$odd" | tr '\n' ' ')"
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

# read_record GENERATION: in $flat, and in $kernel whose it is.
read_record() {
  flat=$(flatten "$generations/$1/originals.json") ||
    unsafe "$generations/$1/originals.json is not whole" "the originals are in $generations/$1/originals: put them back by hand, then move that folder away"
  kernel=$(field kernel)
}

# An undo trusts no other places than those that mptfix writes to for that kernel: as src/transaction/places.ts has them.
require_safe() {
  odd=$(printf '%s\n' "$flat" | awk -F '\t' -v number="$1" '
    function odd(what) { if (!stopped) print what; stopped = 1 }
    function plain(path) { return length(path) <= 4096 && path ~ /^(\/[A-Za-z0-9._+~-]+)+$/ && path !~ /\/\.\.?(\/|$)/ }
    function is_module(path) {
      return plain(path) && index(path, "/lib/modules/" kernel "/") == 1 && path ~ /\/[A-Za-z0-9_][A-Za-z0-9_.+-]*\.k?o(\.(gz|xz|zst|bz2))?$/
    }
    function is_image(path) {
      return path == "/boot/initrd.img-" kernel || path == "/boot/initramfs-" kernel ".img" || path == "/boot/initrd-" kernel ".img" || path == "/boot/initrd-" kernel
    }
    function is_build(path,   at) {
      at = index(path, ".mptfix-")
      if (index(path, "/boot/.") != 1 || !at || !is_image("/boot/" substr(path, 8, at - 8))) return 0
      return length(path) == at + 23 && substr(path, at + 8) ~ /^[0-9a-f]+\.tmp$/
    }
    function is_place(kind, path, first, n) {
      if (kind == "module") return n == 0 && is_module(path)
      if (kind == "index") return index(path, folder) == 1 && substr(path, length(folder) + 1) ~ /^modules\.[a-z0-9_]+(\.[a-z0-9]+)?(\.[a-z0-9]+)?$/
      if (kind == "kept-image") return n == 0 && is_image(v[first "image"]) && path == v[first "image"] ".mptfix-" number
      if (kind == "image") return n == 0 ? is_image(path) : path == "/var/lib/initramfs-tools/" kernel
      return 0
    }
    function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
    function time_is(text) { return text ~ /^-?[0-9]+\.[0-9]+$/ && length(text) <= 23 }
    { v[$1] = $2 }
    END {
      kernel = v["kernel"]
      folder = "/lib/modules/" kernel "/"
      if (v["schema"] != "mptfix.transaction/1") odd("schema " v["schema"])
      if (v["purpose"] != "install") odd("purpose " v["purpose"])
      if (v["number"] != number) odd("number " v["number"])
      if (kernel !~ /^[0-9][A-Za-z0-9._+~-]*$/ || kernel ~ /\.\./ || length(kernel) > 64) odd("kernel " kernel)
      for (n = 0; (s = "steps." n ".") && ((s "kind") in v); n++) {
        kind = v[s "kind"]
        if (kind !~ /^(module|index|kept-image|image-build|image)$/) odd("a step of the kind " kind)
        if ((s "release") in v && v[s "release"] != kernel) odd(v[s "release"])
        if (kind ~ /^image/ && !is_build(v[s "output"])) odd("output " v[s "output"])
        if (kind == "image-build" && !is_image(v[s "image"])) odd("image " v[s "image"])
        if (kind == "index" && !is_module(v[s "path"])) odd("path " v[s "path"])
        for (m = 0; (f = s "files." m ".") && ((f "path") in v); m++) {
          path = v[f "path"]
          changed[folder_of(path)]
          files[f]
          if (!is_place(kind, path, s, m)) odd(path)
          if (v[f "original"] == "null") {
            if (v[f "backup"] != "null") odd("a copy of " path)
            continue
          }
          if (v[f "original.path"] != path || v[f "original.sha256"] !~ /^[0-9a-f]+$/ || length(v[f "original.sha256"]) != 64) odd("the original of " path)
          backup = v[f "backup"]
          if (backup ~ /\// ? kind != "image" || m || backup != path ".mptfix-" number : backup !~ /^[A-Za-z0-9._+~-]+$/ || backup ~ /^\.\.?$/) odd("the copy of " path)
        }
        if (!m && kind != "image-build") odd("a step without files")
        if (kind == "image-build") changed["/boot"]
        seen[n]
      }
      for (key in v) {
        if (key !~ /^steps\./) continue
        split(key, part, ".")
        if (!(part[2] in seen)) odd(key)
        if (part[3] == "files" && !(("steps." part[2] ".files." part[4] ".") in files)) odd(key)
      }
      for (n = 0; ("folders." n ".path") in v; n++)
        if (!(v["folders." n ".path"] in changed) || !time_is(v["folders." n ".mtime"])) odd("folder " v["folders." n ".path"])
      if ("state.parent.path" in v && (v["state.parent.path"] !~ /^\/(var(\/lib(\/mptfix)?)?)?$/ || !time_is(v["state.parent.mtime"]))) odd(v["state.parent.path"])
    }
  ')
  [ -z "$odd" ] || unsafe "$generations/$1 names $(printf '%s' "$odd" | tr '\t\n' '  '), which this file cannot undo" "only mptfix itself can; $(only_mptfix rollback)"
}

# Whether the generation wrote this, or was about to: PATH HASH
is_ours() {
  grep -F "\"$1\":\"$2\"" "$generations/$generation/journal.ndjson" >/dev/null 2>&1 && return 0
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
