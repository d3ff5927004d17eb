# Keeps every file that a step may touch, and only then writes the record.
begin() {
  boot_links >"$record/links" || failed "the links of /boot cannot be written down"
  changed=${MODULE_PATH%/*}
  keep "$MODULE_PATH" || failed "$MODULE_PATH cannot be kept"
  steps="{\"kind\":\"module\",\"like\":\"$MODULE_PATH\",\"files\":[$(touched "$MODULE_PATH")]}"
  if [ -n "$depmod" ]; then
    files=
    changed="$changed /lib/modules/$RELEASE"
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
      case " $changed " in *" ${file%/*} "*) ;; *) changed="$changed ${file%/*}" ;; esac
    done
    steps="$steps,{\"kind\":\"kept-image\",\"image\":\"$image\",\"files\":[$(touched "$image.mptfix-$transaction")]}"
    steps="$steps,{\"kind\":\"image-build\",\"image\":\"$image\",$common},{\"kind\":\"image\",$common,\"files\":[$files]}"
  done
  [ -z "$rebuilt" ] || changed="$changed /boot"
  for place in $changed; do keep_time "$place"; done
  entered='{"made":[],"parent":null}'
  [ -n "$had_state" ] ||
    entered="{\"made\":[\"$state_name\",\"$state_name/generations\"],\"parent\":{\"path\":\"${state_name%/*}\",\"mtime\":\"$lib_time\"}}"
  module_before=$(record "$MODULE_PATH" "$root$MODULE_PATH")
  printf '{"schema":"mptfix.transaction/1","purpose":"install","number":%d,"created":"%s","kernel":"%s","steps":[%s],"folders":[%s],"state":%s}\n' \
    "$transaction" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$RELEASE" "$steps" "$(recorded_times $changed)" "$entered" >"$work/originals.json" &&
    rename "$work/originals.json" "$record/originals.json" || failed "the record in $record cannot be written"
  note "$transaction" begin || failed "the journal in $record cannot be written"
}

# intent KIND UNDO [BECOMES]
intent() {
  note "$transaction" intent ",\"step\":$step,\"kind\":\"$1\",\"undo\":[$2]${3:+,\"becomes\":{$3}}" ||
    failed "the journal in $record cannot be written"
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
    failed "the journal in $record cannot be written"
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
  } >"$work/manifest.json" && rename "$work/manifest.json" "$record/manifest.json" || failed "the manifest in $record cannot be written"
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
    digest=$(sha1_of "$root$1") || failed "the checksum in $file cannot be made: there is neither sha1sum nor openssl" 'install coreutils or openssl, then run the command again'
    cp -p "$root$file" "$new" && state_content "$tool" "$file" "$digest" "$1" >"$new" && rename "$new" "$root$file" ||
      failed "$file cannot be written"
  done
  # shellcheck disable=SC2046
  done_with image "$1" $(state_files "$tool")
  image_records="$image_records${image_records:+,}{\"path\":\"$1\",\"fallback\":\"$fallback\",\"tool\":\"$tool\",\"before\":\"$(sha256_of "$root$fallback")\",\"after\":\"$(sha256_of "$root$1")\",\"proof\":\"$proof\"}"
}

sha1_of() {
  digest=$({ sha1sum <"$1" || openssl dgst -sha1 <"$1"; } 2>/dev/null | sed 's/.*= *//; s/ .*//')
  case $digest in *[!0-9a-f]* | '') return 1 ;; esac
  printf '%s' "$digest"
}

build_image() {
  say "$tool builds $1"
  names=$work/names.${1##*/}
  # What the old one has the new one must have, too, whatever the tool finds out about the machine.
  modules=$(awk -v own="$MODULE" '$1 == "module" { print $2; seen[$2] = 1 } END { if (!seen[own]) print own }' "$names" 2>/dev/null | tr '\n' ' ')
  modules=$(printf '%s' "${modules:-$MODULE}" | sed 's/ *$//')
  place=$(work_place "$tool")
  (
    TMPDIR=$place
    export TMPDIR
    tool_argv "$tool" "$output" "$modules"
  ) >"$work/log" 2>&1
  ended=$?
  put_links_back
  [ $ended = 0 ] ||
    failed "$tool could not build $1: $(grep . "$work/log" | tail -n 1)" "see what $tool prints; the image that boots was not touched" E_INITRAMFS
  [ -s "$root$output" ] || failed "$tool wrote no image for $1" "see what $tool prints" E_INITRAMFS
  old=$(record "$1" "$root$1")
  chmod "$(printf '%s' "$old" | sed 's/.*"mode":"\([0-7]*\)".*/\1/')" "$root$output"
  chown "$(printf '%s' "$old" | sed 's/.*"uid":\([0-9]*\),"gid":\([0-9]*\).*/\1:\2/')" "$root$output"
  opened=0
  open_image "$root$output" "$work/new" || opened=$?
  case $opened in
  0)
    holds_module "$work/new" "$work/module" ||
      failed "the new $1 does not hold the new module" "see that the guest names the driver for its images ($(listed_in "$tool"))" E_INITRAMFS
    lost=$(awk 'NR == FNR { has[$0] = 1; next } !has[$0]' "$work/new.names" "$names" 2>/dev/null | sed 1q)
    [ -z "$lost" ] || failed "the new $1 lacks the $lost, which the old one has" "see that the guest names it for its images ($(listed_in "$tool"))" E_INITRAMFS
    proof="it holds the new $MODULE"
    ;;
  1)
    [ -n "$force" ] || failed "nothing here can look into the new $1: it cannot be told whether it holds the new module" "to install it all the same: $(typed apply --force)" E_INITRAMFS
    proof="nothing here can look into it"
    warn "warning: whether the new $1 holds the new module was not looked at"
    remark "whether the new $1 holds the new module was not looked at"
    ;;
  2) failed "the new $1 is damaged: it cannot be read to its end" "see what $tool prints" E_INITRAMFS ;;
  *) failed "the new $1 cannot be laid out in $state_name" 'free some space, then run the command again' ;;
  esac
}

# The names in /boot that lead to images: the mkinitrd of SUSE makes the one without a release lead to what it has built.
boot_links() {
  ls -l "$root/boot" 2>/dev/null | sed -n 's/^l.* \([^ ][^ ]*\) -> \(.*\)$/\1 \2/p'
}

# Where it now leads to a name that will be gone.
put_links_back() {
  boot_links | while read -r name target; do
    case $target in .*.mptfix-*.tmp | */.*.mptfix-*.tmp) ;; *) continue ;; esac
    before=$(sed -n "s/^$name //p" "$record/links" 2>/dev/null)
    new=$root/boot/.$name.mptfix-$(printf '%012x' $$).tmp
    rm -f "$new"
    if [ -n "$before" ]; then
      ln -s "$before" "$new" && mv -f "$new" "$root/boot/$name"
    else
      rm -f "$root/boot/$name"
    fi
  done
}
