# SHA-256 of nothing: what says so can do it.
EMPTY=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

choose_hash() {
  # What a loop counts with is gone after it in a function of yash.
  for program in sha256sum 'openssl dgst -sha256' 'shasum -a 256'; do
    hasher=$program
    case $($hasher </dev/null 2>/dev/null) in *$EMPTY*) return 0 ;; esac
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
    return $?
  fi
  sum=$(cksum <"$1" 2>/dev/null | tr ' ' :)
  known=$(sed -n "s/^$sum=//p" "$work/sums" 2>/dev/null | sed 1q)
  if [ -z "$sum" ] || [ -z "$known" ]; then
    known=$(sha256 <"$1")
    printf '%s=%s\n' "$sum" "$known" 2>/dev/null >>"$work/sums"
  fi
  printf '%s' "$known"
}
