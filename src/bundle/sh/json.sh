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
