#!/bin/sh
# fuzz.sh BUILD TARGET SECONDS CORPUS: runs one fuzz target (tests/fuzz) on its
# seeds and on what CORPUS has of earlier runs; what it finds new goes there.
# Prints one test's worth of TAP; the log, and inputs that broke something, are
# in BUILD/fuzz. An input that did becomes a seed in tests/fuzz/corpus/TARGET.
set -eu
build=$1 target=$2 seconds=$3 corpus=$4
seeds=$(dirname "$0")/../fuzz
log=$build/fuzz/$target.log
length=4096
case $target in
  connection | request) length=16384 ;; # beyond the largest body
esac
mkdir -p "$build/fuzz" "$corpus"
# What it needs besides, and leaves behind if it crashes: in memory.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM HUP

status=0
timeout $((seconds + 120)) nice "$build/tests/fuzz/fuzz_$target" \
  -max_total_time="$seconds" -timeout=25 -max_len=$length -print_final_stats=1 \
  -dict="$seeds/$target.dict" -artifact_prefix="$build/fuzz/$target-" \
  "$corpus" "$seeds/corpus/$target" >"$log" 2>&1 || status=$?

runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
coverage=$(sed -n 's/.*DONE *cov: \([0-9]*\).*/\1/p' "$log")
text="fuzz $target: ${runs:-0} runs, ${coverage:-0} edges"
if [ "$status" -eq 0 ] && [ "${runs:-0}" -gt 100 ]; then
  printf 'ok - %s\n# pass 1\n' "$text"
else
  printf 'not ok - %s, ended with %s\n# fail 1\n%s\n' "$text" "$status" \
    "$(tail -n 60 "$log" | sed 's/^/  /')"
  exit 1
fi
