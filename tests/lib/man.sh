#!/usr/bin/env bash
# The man pages: clean under mandoc, and of the same things as the code.
# usage: man.sh PROGRAM (the porchlight command that was built)
#
# What is looked for is taken from the code, so that a setting, a command, a
# path or an error that nobody wrote down fails here, under its name.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$1
failed=0

miss() {
  printf '%s\n' "$*" >&2
  failed=1
}

# All that mandoc can say, but for pages that it looks for on this machine.
lint() {
  local found
  found=$(mandoc -T lint -W style man/* | sed '/referenced manual not found/d' || :)
  [ -z "$found" ] || miss "$found"
}

# Each command with its options, as the program and as porchlight(8) has it.
commands() {
  local lines line page
  lines=$("$program" -h 2>&1 | sed -n 's/^\(usage:\|  *\) *\(porchlight .*[^ ]\) *$/\2/p' || :)
  page=$(mandoc -T ascii -O width=999 man/porchlight.8 | sed 's/.\x08//g; s/^ *//' |
    sed -n '/^SYNOPSIS$/,/^DESCRIPTION$/p')
  [ "$(wc -l <<<"$lines")" -gt 5 ] || miss "$program -h says no commands"
  while read -r line; do
    grep -qixF -- "$line" <<<"$page" || miss "porchlight.8: its synopsis lacks: $line"
  done <<<"$lines"
  while read -r line; do
    grep -qixF -- "$line" <<<"$lines" || miss "porchlight.8: there is no: $line"
  done < <(grep '^porchlight ' <<<"$page")
}

# Each number of lib/config.h with its default and range, and each other
# setting of lib/config.c, in porchlight.conf(5).
settings() {
  local name preset least most n=0
  while read -r name preset least most; do
    grep -A 1 -x "\.It Ic $name" man/porchlight.conf.5 |
      grep -q "^Default $preset, from $least to $most\.\$" ||
      miss "porchlight.conf.5 lacks $name: Default $preset, from $least to $most."
    n=$((n + 1))
  done < <(sed -n 's/^\tX("\([A-Za-z]*\)", [a-z_0-9]*, \([0-9]*\), \([0-9]*\), \([0-9]*\)).*/\1 \2 \3 \4/p' lib/config.h)
  while read -r name; do
    grep -q -x "\.It Ic $name" man/porchlight.conf.5 || miss "porchlight.conf.5 lacks $name"
    n=$((n + 1))
  done < <(sed -n 's/.*same("\([A-Za-z]*\)".*/\1/p' lib/config.c)
  [ "$n" -gt 10 ] || miss "lib/config.h: no settings found"
}

# Each path and each error code in porchlight-http(7).
api() {
  local word n=0
  while read -r word; do
    grep -q -- "$word\>" man/porchlight-http.7 || miss "porchlight-http.7 lacks $word"
    n=$((n + 1))
  done < <(
    sed -n 's/^ *PL_[A-Z]*, "\(\/api\/[a-z/]*[a-z]\).*/\1/p' lib/endpoint_*.c
    sed -n 's/^ *\[PL_ERR_[A-Z_]*\] = {[0-9]*, "\([a-z_]*\)".*/\1/p' lib/http.c
  )
  [ "$n" -gt 15 ] || miss "lib/: no paths or codes found"
}

lint
commands
settings
api
exit "$failed"
