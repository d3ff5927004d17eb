#!/bin/sh
# Compiles what `mptfix build` has laid out in the folder JOB, in an image of the kernel's own time, and leaves the
# results in the folder RESULTS. Needs sh, make and the kernel's gcc with its binutils; cp, mkdir, rm and cat.
#
#     sh compile.sh JOB RESULTS
#
# It puts folders where JOB/places says, so run it only in a container that is thrown away afterwards. It ends with
# status 0 also where make fails: the results then hold what make said.
# Written for the tools of 2003: no option of cp, mkdir or rm that they do not have, and POSIX sh only.

job=$1
results=$2
if [ ! -f "$job/id" ] || [ -z "$results" ]; then
  echo "usage: sh compile.sh JOB RESULTS: JOB is a folder that mptfix build --only-prepare has made" >&2
  exit 2
fi
LC_ALL=C
export LC_ALL
unset LANG LANGUAGE MAKEFLAGS MFLAGS MAKELEVEL CDPATH ENV

fail() {
  echo "compile.sh: $1" >&2
  exit 3
}

rm -rf "$results"
mkdir -p "$results" || fail "cannot make $results"

# The first word of each is a program; without it no log would say what the image lacks.
IFS= read -r make < "$job/command"
IFS= read -r compiler < "$job/compiler"
lacks=
for program in cp "$make" "$compiler"; do
  command -v "$program" > /dev/null 2>&1 || lacks="$lacks $program"
done
if [ -n "$lacks" ]; then
  echo "$lacks" > "$results/lacks"
  cat "$job/id" > "$results/id" || fail "cannot write to $results"
  exit 0
fi

# Each part of the kernel's headers at the path by which the others name it. A line: the part, a tab, the path.
tab=$(printf '\t')
while IFS="$tab" read -r part place; do
  rm -rf "$place"
  mkdir -p "$place" || fail "cannot make $place"
  if [ -d "$job/parts/$part" ]; then
    cp -a "$job/parts/$part/." "$place/" || fail "cannot copy to $place"
  else
    rm -rf "$place"
    cp -a "$job/parts/$part" "$place" || fail "cannot copy to $place"
  fi
done < "$job/places"

seen=$(cat "$job/seen")
module=$(cat "$job/module")
TMPDIR=$seen
HOME=$seen
export TMPDIR HOME

# What the compiler says of itself. Old ones know -dumpversion alone.
set --
while IFS= read -r word; do
  set -- "$@" "$word"
done < "$job/compiler"
{
  "$@" -dumpfullversion -dumpversion 2>/dev/null || "$@" -dumpversion
  echo
  "$@" --version 2>/dev/null
} > "$results/compiler"
program=$(command -v "$1")
if [ -n "$program" ]; then
  sha256sum "$program" > "$results/compiler.sha256" 2>/dev/null || rm -f "$results/compiler.sha256"
fi

set --
while IFS= read -r word; do
  set -- "$@" "$word"
done < "$job/command"

for build in patched unchanged; do
  [ -d "$job/$build" ] || continue
  rm -rf "$seen"
  mkdir -p "$seen" || fail "cannot make $seen"
  cp -a "$job/$build/." "$seen/" || fail "cannot copy the driver to $seen"
  "$@" > "$results/$build.log" 2>&1 < /dev/null
  echo $? > "$results/$build.status"
  if [ -f "$seen/$module.ko" ]; then
    cp "$seen/$module.ko" "$results/$build.ko" || fail "cannot copy $module.ko to $results"
  fi
done

# Last: where it is, all of it is.
cp "$job/id" "$results/id" || fail "cannot write to $results"
