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
