# Does what the lab says on the serial line, one command a line: NAME SHELL-WORDS. It answers in lines that begin with LAB.
stty -F /dev/ttyS0 -echo
mkdir -p /dev/shm/lab
said=/dev/shm/lab/said
why=/dev/shm/lab/why
exec </dev/ttyS0
echo "LAB ready $(uname -r)" >/dev/ttyS0
while read -r name words; do
  [ -n "$words" ] || continue
  sh -c "$words" >$said 2>$why </dev/null
  status=$?
  # Without line feeds: an answer is one line.
  echo "LAB because $name $(tail -n 3 $why | tr '\n' ' ')" >/dev/ttyS0
  echo "LAB answer $name $status $(tr -d '\n' <$said)" >/dev/ttyS0
done
