# shellcheck shell=bash disable=SC2154 # servers: of server.sh
# The parts of `./dev check`, for dev to source: what each runs, and how many
# tests of it passed and failed.
#
# Each part prints lines that count: "# pass N" and "# fail N" (node's test
# runner), "# PASS: N" and "# FAIL: N" (automake). They are added up; a part
# that counts nothing, or ends badly without a failure, is itself a failure.

# Two parts that wait more than they work run at a time, and beside them one of
# those that only work, behind them in priority: it has the time they leave, and
# does not make them late.
lanes=2
lane_pids=()

check_parts() {
  local name server works=() waits=()
  logs=$PWD/$BUILD/check
  rm -rf "$logs"
  mkdir -p "$logs"
  trap 'kill "${lane_pids[@]}" 2>/dev/null; exit 130' INT TERM HUP
  for name; do
    case $name in
      lint | unit | fuzz | dist | package) works+=("$name") ;;
      asan) works+=(asan-unit) waits+=(asan-e2e) ;;
      servers)
        for server in $servers; do
          [ "$server" = lighttpd ] || waits+=("$server")
        done
        ;;
      *) waits+=("$name") ;;
    esac
  done
  if [ ${#works[@]} -gt 0 ]; then
    lanes=$((lanes + 1))
    work "${works[@]}" &
    lane_pids+=($!)
  fi
  for name in "${waits[@]}"; do
    lane
    run_part "$name" &
    lane_pids+=($!)
  done
  wait
  awk -v "parts=$((${#works[@]} + ${#waits[@]}))" '{ good += $1; bad += $2 }
    END {
      bad += parts - NR # what did not live to count
      printf "%d passed, %d failed\n", good, bad
      exit bad > 0
    }' "$logs"/*.count
}

# work NAME...: one after the other.
work() {
  local name
  renice -n 5 -p $BASHPID >/dev/null
  for name; do run_part "$name"; done
}

# Waits until a lane is free.
lane() {
  [ ${#lane_pids[@]} -ge $lanes ] || return 0
  wait -n || :
  mapfile -t lane_pids < <(jobs -pr)
}

# run_named NAME: a part, or what is tested behind each server.
run_named() {
  case " $servers " in
    *" $1 "*) behind "$1" ;;
    *) "part_${1//-/_}" ;;
  esac
}

# run_part NAME: runs it into its log, says how it went, and writes
# how many tests passed and failed. A part that does not end within 30 minutes
# is ended, and has failed.
run_part() {
  local name=$1 log=$logs/$1.log status=0 good bad start=$SECONDS pid guard
  set -m # a group of its own, to be ended with all that it started
  (run_named "$name") >"$log" 2>&1 </dev/null &
  pid=$!
  (sleep 1800 && kill -- -$pid && sleep 10 && kill -KILL -- -$pid) >/dev/null 2>&1 &
  guard=$!
  set +m
  trap 'kill -- -$pid -$guard 2>/dev/null; exit 130' INT TERM HUP
  wait $pid || status=$?
  trap - INT TERM HUP
  kill -- -$guard 2>/dev/null || :
  wait $guard 2>/dev/null || :
  read -r good bad < <(awk '
    /^# (pass|PASS:) / { good += $3 }
    /^# (fail|cancelled|FAIL:|XPASS:|ERROR:) / { bad += $3 }
    END { print good + 0, bad + 0 }' "$log")
  [ "$status" -lt 128 ] || echo "$name: ended by signal $((status - 128))" >>"$log"
  if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$good" -eq 0 ]; }; then
    bad=1
  fi
  echo "$good $bad" >"$logs/$name.count"
  tell_part >"$logs/$name.told"
  cat "$logs/$name.told" # in one piece: another part may be telling too
}

tell_part() {
  if [ "$bad" -eq 0 ]; then
    printf 'ok      %-12s %4d tests %4d s\n' "$name" "$good" $((SECONDS - start))
  else
    printf 'FAILED  %-12s %4d of %d tests %4d s; all of it: %s\n' "$name" "$bad" \
      $((good + bad)) $((SECONDS - start)) "${log#"$PWD"/}"
    grep -n -A 12 -E '^ *not ok |^(FAIL|ERROR):' "$log" | head -n 200 || :
    say "--- its end:"
    tail -n 25 "$log"
  fi
}

# one NAME COMMAND...: a command that is one test.
one() {
  local name=$1
  shift
  if "$@"; then
    printf 'ok - %s\n# pass 1\n' "$name"
  else
    printf 'not ok - %s\n# fail 1\n' "$name"
  fi
}

part_lint() {
  local c js
  mapfile -t c < <(git ls-files '*.c' '*.h')
  mapfile -t js < <(git ls-files '*.js')
  one clang-format clang-format --dry-run -Werror "${c[@]}"
  one cppcheck cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
    --enable=warning,performance,portability --suppress=missingIncludeSystem \
    -I lib -I "$BUILD" lib cgi-bin
  one shellcheck shellcheck -x dev .ci/run tests/lib/*.sh debian/porchlight.{postinst,prerm,postrm}
  one "SQL is compiled in" tests/lib/sql.sh
  one "man pages" tests/lib/man.sh "$BUILD/cgi-bin/porchlight"
  one "node --check" check_scripts "${js[@]}"
  one hardening hardened
  one SECURITY.md tests/lib/security.sh
}

hardened() {
  flock "$BUILD/.dev-lock" make -C "$BUILD" -s bundle >"$BUILD/bundle.log" 2>&1 &&
    tests/lib/hardened.sh "$BUILD"
}

check_scripts() {
  local file status=0
  for file; do
    node --check "$file" || status=1
  done
  return $status
}

part_unit() {
  make -C "$BUILD" --no-print-directory check || {
    sed 's/^/  /' "$BUILD/test-suite.log" # not at the margin: it counts again
    return 1
  }
}

# Each file has a demo of its own, and waits more than it works.
end_to_end() {
  node --test --test-reporter=tap --test-concurrency=3 "$@"
}

part_e2e() {
  end_to_end tests/e2e/*.test.js
}

# behind SERVER: the same, but for what is the same behind all: the FastCGI
# protocol, what ./dev demo says, the rates, privacy, who gets what, strings
# that stay strings, leaks, the crowd that measures the store, what is counted,
# and what the benches measure by.
behind() {
  local files
  mapfile -t files < <(printf '%s\n' tests/e2e/*.test.js |
    grep -v -e fastcgi -e demo -e crowd -e rates -e privacy \
      -e tenants -e injection -e leaks -e instructions -e load.test)
  SERVER=$1 end_to_end "${files[@]}"
}

# What the tests need of npm, once for all parts.
node_packages() {
  (
    flock 9
    [ tests/node_modules/.package-lock.json -nt tests/package-lock.json ] ||
      (cd tests && npm ci --no-audit --no-fund --ignore-scripts)
  ) 9>"$BUILD/.npm-lock"
}

part_widget() {
  node_packages || return 1
  one "tsc: the types are right" tests/node_modules/.bin/tsc -p tests
  end_to_end tests/widget/*.test.js
}

part_browser() {
  node_packages || return 1
  end_to_end tests/browser/*.test.js
}

part_asan_unit() {
  build build-asan --enable-werror --enable-sanitize
  BUILD=build-asan part_unit
}

# All but the crowd, which measures nothing more here and takes much longer, and what
# runs under valgrind, which does not go together with a sanitizer; then what the
# programs do as plain CGI.
part_asan_e2e() {
  local files status=0
  mapfile -t files < <(printf '%s\n' tests/e2e/*.test.js | grep -v -e crowd -e leaks -e instructions)
  build build-asan --enable-werror --enable-sanitize
  export BUILD=build-asan
  end_to_end "${files[@]}" || status=1
  SERVER=cgi end_to_end tests/e2e/{badinput,events,presence}.test.js || status=1
  return $status
}

# Each target for 20 s, two at a time, on its seeds alone: a run finds what
# the last one found, or does not, whatever was run before.
part_fuzz() {
  build build-fuzz --enable-werror --enable-fuzz CC=clang
  rm -rf build-fuzz/short
  basename -s .dict -a tests/fuzz/*.dict | xargs -P 2 -I '{}' \
    tests/lib/fuzz.sh build-fuzz '{}' 20 'build-fuzz/short/{}'
}

# Builds everything from the tarball, tests included; one program of them is
# run, for part unit has run them all.
part_dist() {
  one "make distcheck" make -C "$BUILD" --no-print-directory distcheck \
    TESTS=tests/store/test_store_sqlite >"$logs/distcheck.out" 2>&1
  grep -E '^(not )?ok|^# (pass|fail)|^make.*\*\*\*' "$logs/distcheck.out"
}

part_package() {
  tests/lib/package.sh "$BUILD/package"
}
