#!/usr/bin/env bash
# What the compiler and the linker were asked for is in the binaries: those
# that are installed, and those of the bundle.
# usage: hardened.sh FOLDER (of a build, after make and make bundle)
set -euo pipefail
cd "$1"
failed=0

miss() {
  printf '%s\n' "$*" >&2
  failed=1
}

# at FILE WHAT PATTERN: readelf's words for it.
at() {
  grep -qE -- "$3" <<<"$elf" || miss "$1: $2"
}

for file in {cgi-bin,bundle}/{presence.fcgi,events.fcgi,porchlight}; do
  elf=$(readelf -hldW "$file")
  at "$file" 'not position-independent' 'Flags:.*\bPIE\b'
  at "$file" 'no RELRO' 'GNU_RELRO'
  at "$file" 'RELRO is not full' 'Flags:.*\bNOW\b'
  at "$file" 'its stack is executable' 'GNU_STACK .* RW  '
  ! grep -E ' LOAD .* RWE ' <<<"$elf" || miss "$file: code that can be written"
done

# Stripped programs do not tell; what they are linked from does.
symbols=$(nm lib/libporchlight.a)
grep -q '__stack_chk_fail' <<<"$symbols" || miss 'no stack protector'
grep -qE '__(snprintf|vsnprintf|memcpy|strcpy|read)_chk' <<<"$symbols" || miss 'not fortified'
exit "$failed"
