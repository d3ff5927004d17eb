# JSON as lines: steps.0.files.0.path, a tab, the value. Of what a string escapes only the quote and the slash are told.
# Fails where it is not whole, or names a thing twice.
flatten() {
  awk '
    function next_is(pattern) { return match(text, pattern) }
    function skip() { if (next_is("^[ \t\r\n]+")) text = substr(text, RLENGTH + 1) }
    function broken() { bad = 1; text = "" }
    function tell(path, what) {
      if (path in told) broken()
      told[path]
      print path "\t" what
    }
    # Takes one sign, or says that there is another.
    function takes(sign) {
      skip()
      if (substr(text, 1, 1) != sign) return 0
      text = substr(text, 2)
      return 1
    }
    function value(path, depth,   key, n) {
      if (depth > 16) broken()
      if (takes("{")) {
        if (takes("}")) return
        do {
          skip(); key = string()
          if (!takes(":")) broken()
          value(path == "" ? key : path "." key, depth + 1)
        } while (!bad && takes(","))
        if (!takes("}")) broken()
      } else if (takes("[")) {
        if (takes("]")) return
        n = 0
        do value(path "." n++, depth + 1); while (!bad && takes(","))
        if (!takes("]")) broken()
      } else if (substr(text, 1, 1) == "\"") {
        tell(path, string())
      } else if (next_is("^[-+.a-zA-Z0-9]+")) {
        tell(path, substr(text, 1, RLENGTH)); text = substr(text, RLENGTH + 1)
      } else broken()
    }
    function string(   found) {
      if (!next_is("^\"([^\"\\\\\t\n]|\\\\[^\t\n])*\"")) { broken(); return "" }
      found = substr(text, 2, RLENGTH - 2); text = substr(text, RLENGTH + 1)
      gsub(/\\"/, "\"", found); gsub(/\\\//, "/", found)
      return found
    }
    { text = text $0 "\n" }
    END { value("", 0); skip(); exit(bad || text != "") }
  ' "$1"
}

# field PATH: of what flatten gave, in $flat
field() {
  printf '%s\n' "$flat" | awk -F '\t' -v path="$1" '$1 == path { print $2; exit }'
}
