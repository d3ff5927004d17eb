payload() {
  dd if="$self" bs=512 skip="$PAYLOAD_SKIP" 2>/dev/null
}

# whole LINE: this file, head and payload, without each line that begins so: what holds a hash is not in it.
whole() {
  dd if="$self" bs=512 count="$PAYLOAD_SKIP" 2>/dev/null | sed "/^$1=/d"
  payload
}

# Before anything else, by the best of the hashes that the guest has. The size was looked at before.
prove_self() {
  if [ -n "$hasher" ]; then
    [ "$(whole SELF_SHA256 | sha256)" = "$SELF_SHA256" ] && return 0
  else
    case $(whole 'SELF_SHA[0-9]*' | sha1sum 2>/dev/null || whole 'SELF_SHA[0-9]*' | openssl dgst -sha1 2>/dev/null) in
    *$SELF_SHA1*) return 0 ;;
    *[0-9a-f]*) ;;
    # Without a program for either. The shell itself would take seconds for what stands before the payload: there the sum
    # of cksum shows accidents.
    *)
      sum=$(whole 'SELF_[A-Z0-9]*' | cksum 2>/dev/null)
      [ -n "$sum" ] || warn 'warning: there is neither sha256sum, sha1sum, openssl nor cksum: only the payload of this file is checked'
      case ${sum:+0000000000}${sum%% *} in
      '' | *"$SELF_CKSUM") [ "$(payload | sha256)" = "$PAYLOAD_SHA256" ] && return 0 ;;
      esac
      ;;
    esac
  fi
  die 4 E_ARCHIVE_TRUNCATED "$self is damaged: it is not what mptfix build wrote" 'copy the file to this guest once more'
}

# unpack DIR: module, artifact.json, kernel.json, statement.json
unpack() {
  payload | (cd "$1" && tar xf -) && [ "$(sha256_of "$1/module")" = "$NEW_SHA256" ]
}
