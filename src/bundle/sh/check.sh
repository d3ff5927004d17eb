check() {
  require_guest
  case $(module_is) in
  old)
    [ "$AFFECTED" = 1 ] || answer 0 fixed "$MODULE_PATH has no such branch"
    answer 10 affected "affected: $MODULE_PATH is the module that this file replaces; to install: $(typed apply)"
    ;;
  new) answer 0 fixed "fixed: $MODULE_PATH is the module of this file" ;;
  *) answer 11 unknown "cannot tell: $MODULE_PATH is neither the module that the proofs compared with nor the one in this file" ;;
  esac
}
