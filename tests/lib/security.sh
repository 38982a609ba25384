#!/usr/bin/env bash
# SECURITY.md promises tests: each `file` is there, and in it each test that is
# named *in italics* behind it.
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0 named=0 file=''

miss() {
  printf 'SECURITY.md: %s\n' "$*" >&2
  failed=1
}

# shellcheck disable=SC2016 # the quotes are the page's
while IFS= read -r word; do
  case $word in
    '`'*)
      file=${word//\`/}
      [ -e "$file" ] || miss "there is no $file"
      ;;
    *)
      word=${word#\*}
      word=${word%\*}
      named=$((named + 1))
      grep -qF -- "$word" "$file" || miss "$file has no \"$word\""
      ;;
  esac
done < <(sed -n '/^## /,$p' SECURITY.md | tr -s '\n ' ' ' | sed 's/\*\*[^*]*\*\*//g' |
  grep -oE '`(tests|docs)/[^`]*`|\*[^*`]+\*')
[ "$named" -gt 20 ] || miss "only $named tests are named"
exit "$failed"
