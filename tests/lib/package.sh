#!/usr/bin/env bash
# The Debian package: built from a clean export, looked over by lintian,
# installed in a small Debian with a real Apache and a real lighttpd, used,
# updated, removed, purged. A line for each test, as ./dev check counts them;
# the first that fails ends it.
# usage: package.sh FOLDER (for what is made; the small Debian is kept there)
#
# The small Debian is for root: who is not is told what was left out.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
mkdir -p "$1"
folder=$(cd "$1" && pwd)
host=$folder/host
in_host=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 chroot "$host")
www_data=(setpriv --reuid=www-data --regid=www-data --init-groups)
port='' groups=() here=''

# test_of NAME: the one before has passed, and what follows is of this one.
test_of() {
  [ -z "$here" ] || printf 'ok - %s\n# pass 1\n' "$here"
  here=$1
}

# no TEXT: what was found is not what was to be.
no() {
  printf '  %s\n' "$*" >&2
  return 1
}

at_end() {
  local status=$?
  trap '' INT TERM HUP
  exec >&5 # where we are it may be redirected
  stop
  if [ "$status" -ne 0 ]; then
    printf 'not ok - %s\n# fail 1\n' "$here"
    tail -n 20 "$folder"/{dpkg,server}.log "$host"/var/log/{apache2,lighttpd}/error.log \
      2>/dev/null | sed 's/^/  /' || :
  fi
  exit "$status"
}

# --- building ---

# From the tracked files, as they are now. The units' tests are not run once
# more here; each builder of Debian runs them.
build_package() {
  rm -rf "$folder"/source "$folder"/porchlight*
  mkdir -p "$folder/source"
  git ls-files -z | tar --null -T - -c | tar -x -C "$folder/source"
  (
    cd "$folder/source"
    DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc -b
  ) >"$folder/build.log" 2>&1 || {
    tail -n 40 "$folder/build.log" | sed 's/^/  /'
    return 1
  }
  rm -rf "$folder/source"
  deb=$(echo "$folder"/porchlight_*.deb)
}

check_version() {
  local ours theirs
  ours=$(sed -n 's/^AC_INIT(\[porchlight\], \[\(.*\)\])$/\1/p' configure.ac)
  theirs=$(dpkg-parsechangelog -S Version)
  [ "$ours" = "$theirs" ] || no "configure.ac says $ours, debian/changelog $theirs"
}

# --- the small Debian ---

# Made from this machine's package sources, with what the package depends on,
# and kept as long as those packages are of the same version here.
host_make() {
  local depends key base
  depends=$(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/ //g')
  # shellcheck disable=SC2046 # a list of words
  key=$(dpkg-query -W libc6 $(tr , ' ' <<<"$depends") | sha256sum | cut -c 1-16)
  base=$folder/host-$key.tar
  if [ ! -f "$base" ]; then
    rm -f "$folder"/host-*.tar
    # shellcheck disable=SC2016,SC1091 # $1 is the hook's
    timeout 400 mmdebstrap --quiet --variant=essential \
      --setup-hook='cp -R /etc/apt/sources.list* "$1/etc/apt/"' \
      --include="apache2,libapache2-mod-fcgid,lighttpd,$depends" \
      "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$folder/host-new.tar" - </dev/null
    mv "$folder/host-new.tar" "$base"
  fi
  rm -rf "$host"
  mkdir -p "$host"
  tar -C "$host" -xf "$base"
  # What a package asks of services is noted, and not done.
  cat >"$host/usr/sbin/policy-rc.d" <<'POLICY'
#!/bin/sh
echo "$1 $2" >>/tmp/services
exit 101
POLICY
  chmod +x "$host/usr/sbin/policy-rc.d"
  # What a2enconf and a2enmod make for themselves when they are first used.
  mkdir -p "$host"/var/lib/apache2/{conf,module}/{en,dis}abled_by_{admin,maint}
  # What systemd makes for lighttpd when the system starts.
  install -d -o 33 -g 33 -m 0750 "$host/run/lighttpd"
}

host_dpkg() {
  timeout 120 "${in_host[@]}" dpkg --force-unsafe-io "$@" >>"$folder/dpkg.log" 2>&1
}

install_package() {
  cp "$deb" "$host/tmp/porchlight.deb"
  host_dpkg -i /tmp/porchlight.deb
}

# Every file with its mode and owner, where a link goes, and what stands in
# /etc. But for what dpkg keeps of itself and what running servers write.
list_files() {
  local but='./(var/lib/dpkg|var/log|var/lib/apache2/fcgid|var/cache/lighttpd|run|tmp)/.*'
  (
    cd "$host"
    find . -regextype posix-extended -regex "$but" -o -printf '%M %U:%G %p %l\n'
    find etc -type f -exec sha256sum {} +
  ) | sort
}

# mode FILE: its mode and whose it is.
mode() {
  stat -c '%a %u:%g' "$host$1"
}

check_modes() {
  local file
  [ "$(mode /etc/porchlight.conf)" = '644 0:0' ] || no "the config: $(mode /etc/porchlight.conf)"
  [ "$(mode /var/lib/porchlight)" = '700 33:33' ] || no "the folder: $(mode /var/lib/porchlight)"
  [ -s "$host/var/lib/porchlight/porchlight.db" ] || no "there is no database"
  for file in "$host"/var/lib/porchlight/*; do
    file=${file#"$host"}
    [ "$(mode "$file")" = '600 33:33' ] || no "$file: $(mode "$file")"
  done
}

# --- servers ---

find_port() {
  local i
  for ((i = 0; i < 50; i++)); do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
  done
  no "no port is free"
}

# background COMMAND...: in the small Debian, in a session of its own.
background() {
  "${in_host[@]}" setsid setpriv --pdeathsig TERM "$@" >>"$folder/server.log" 2>&1 &
  groups+=($!)
}

# start COMMAND...: a web server, in the foreground there; waits until both
# programs answer, for 30 s.
start() {
  local i
  background "$@"
  for ((i = 0; i < 300; i++)); do
    kill -0 "${groups[-1]}" 2>/dev/null || break
    if (ask 200 GET /api/health && ask 401 GET /api/widget/events) >/dev/null 2>&1; then
      return
    fi
    sleep 0.1
  done
  no "the server did not come up"
}

# Does what systemd does with the units: opens their sockets and starts the
# programs with them.
start_units() {
  local name unit
  install -d -o 33 -g 33 "$host/run/porchlight"
  for name in presence events; do
    unit=$(echo "$host"/{,usr/}lib/systemd/system/porchlight-$name.socket)
    unit=${unit##* }
    # shellcheck disable=SC2016 # $ARGV is Perl's
    background "${www_data[@]}" perl -MSocket -e '
      socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die $!;
      listen(S, 4096) && open(STDIN, "<&S") && exec $ARGV[1] or die $!' \
      "$(sed -n 's/^ListenStream=//p' "$unit")" \
      "$(sed -n 's/^ExecStart=//p' "${unit%socket}service")"
  done
}

# Asks all that was started to end, waits 5 s, then insists.
stop() {
  local i group
  for group in ${groups[@]+"${groups[@]}"}; do
    kill -TERM -- "-$group" 2>/dev/null || :
    for ((i = 0; i < 50; i++)); do
      kill -0 -- "-$group" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || :
  done
  groups=()
}

# ask STATUS METHOD PATH [KEY [BODY]]: prints the answer's body.
ask() {
  local want=$1 method=$2 path=$3 key=${4:-none} body=${5:-} answer
  answer=$(
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n' \
      "$method" "$path" "$key" >&3
    printf 'Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s' ${#body} "$body" >&3
    timeout 20 cat <&3
  )
  [[ $answer == HTTP/1.?" $want "* ]] || {
    no "$method $path: ${answer%%$'\r'*}, not $want"
    return 1 # -e does not count while start tries
  }
  sed '1,/^\r$/d' <<<"$answer"
}

# json NAME TEXT: the string of that name.
json() {
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$2"
}

# use COMPANY: a customer of it comes and an agent sees him. The slash in the
# id is one that web servers like to refuse.
use() {
  local keys answer
  # shellcheck disable=SC2016 # $0 is the shell's there
  keys=$("${in_host[@]}" "${www_data[@]}" sh -c \
    'porchlight company add "$0" && porchlight agent add -C "$0" Jane' "$1" 2>/dev/null)
  api_key=$(sed -n 's/^API_KEY=//p' <<<"$keys")
  token=$(sed -n 's/^AGENT_TOKEN=//p' <<<"$keys")
  answer=$(ask 201 POST /api/conversations "$api_key" '{"id": "a/b", "name": "John"}')
  ask 200 POST /api/widget/heartbeat '' '{"conversationId": "a/b", "tabId": "1",
    "sessionId": "'"$(json sessionId "$answer")"'"}' >/dev/null
  check_presence '"isOnline":true'
  answer=$(ask 200 GET '/api/widget/events?timeout=0' "$token")
  [[ $answer == *'"cursor":'* ]] || no "$answer"
  ask 200 GET /porchlight-widget.js >/dev/null
  ask 200 GET /porchlight-agent.js >/dev/null
  "${in_host[@]}" "${www_data[@]}" porchlight doctor
}

check_presence() {
  local answer
  answer=$(ask 200 GET '/api/widget/presence?conversationId=a%2Fb' "$token")
  [[ $answer == *"$1"* ]] || no "expected $1: $answer"
}

# The same version again runs what an update to a newer one runs.
update() {
  : >"$host/tmp/services"
  install_package
  grep -q -x "$1 reload" "$host/tmp/services" || no "$1 was not asked to reload"
  check_modes
  check_presence '"name":"John"'
  ask 200 DELETE /api/conversations/a%2Fb "$api_key" >/dev/null
}

# remove SERVER SNIPPET...: keeps the database, and turns these off.
remove() {
  local server=$1 snippet
  shift
  : >"$host/tmp/services"
  host_dpkg -r porchlight
  for snippet; do
    [ ! -L "$host/etc/$server/conf-enabled/$snippet" ] || no "$snippet is still there"
  done
  grep -q -x "$server reload" "$host/tmp/services" || no "$server was not asked to reload"
  [ -s "$host/var/lib/porchlight/porchlight.db" ] || no "the database has gone"
}

purge() {
  host_dpkg -P porchlight
  list_files >"$folder/files.after"
  diff "$folder/files.before" "$folder/files.after" | sed 's/^/  /' || no "something is left"
}

# --- the tests ---

exec 5>&1
trap at_end EXIT
trap 'exit 1' INT TERM HUP
rm -f "$folder"/*.log

test_of "dpkg-buildpackage makes a package"
build_package
dpkg-deb -c "$deb" | awk '{ print "  " $1, $6 }'

test_of "its version is the program's"
check_version

test_of "lintian has nothing to say against it"
lintian --allow-root --fail-on error,warning "$folder"/porchlight_*.changes

if [ "$(id -u)" != 0 ]; then
  test_of ""
  echo "ok - behind Apache and lighttpd # SKIP a small Debian is for root to make"
  exit 0
fi

test_of "a small Debian is made"
host_make

find_port
sed -i "s/^Listen 80/Listen 127.0.0.1:$port/" "$host/etc/apache2/ports.conf"
sed -i "s/:80>/:$port>\nAllowEncodedSlashes NoDecode/" "$host/etc/apache2/sites-available/000-default.conf"
list_files >"$folder/files.before"

test_of "Apache: installed, the database is www-data's alone"
install_package
check_modes

test_of "Apache: a2enconf is all that it takes"
"${in_host[@]}" a2enconf -q porchlight
start apache2ctl -DFOREGROUND
use "My Shop"

test_of "Apache: an update keeps the data, and starts the new programs"
update apache2
stop

test_of "Apache: the other snippet, with the programs of systemd's units"
"${in_host[@]}" a2disconf -q porchlight
"${in_host[@]}" a2enmod -q proxy_fcgi
"${in_host[@]}" a2enconf -q porchlight-proxy
start_units
start apache2ctl -DFOREGROUND
use "Other Shop"
stop

test_of "Apache: removed, both are turned off, and the database stays"
"${in_host[@]}" a2enconf -q porchlight
remove apache2 porchlight.conf porchlight-proxy.conf

test_of "Apache: purged, nothing is left"
"${in_host[@]}" a2dismod -q -f -p proxy_fcgi proxy
purge

sed -i -e "s/^server.port .*/server.port = $port\nserver.bind = \"127.0.0.1\"/; /use-ipv6/d" \
  "$host/etc/lighttpd/lighttpd.conf"
list_files >"$folder/files.before"

test_of "lighttpd: installed"
install_package
check_modes

test_of "lighttpd: lighty-enable-mod is all that it takes"
"${in_host[@]}" lighty-enable-mod porchlight
start lighttpd -D -f /etc/lighttpd/lighttpd.conf
use "My Shop"

test_of "lighttpd: an update keeps the data, and starts the new programs"
update lighttpd
stop

test_of "lighttpd: removed, it is turned off, and the database stays"
remove lighttpd 50-porchlight.conf

test_of "lighttpd: purged, nothing is left"
purge

test_of ""
rm -rf "$host"
