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
