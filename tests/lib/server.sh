# shellcheck shell=bash disable=SC2034,SC2154 # what it shares with dev
# The web servers behind which the demo runs, each with the config that is
# shipped for it, for dev to source. All are started in sessions of their own
# and ended by server_end; what they write and where they listen lies in
# $data and $sockets. dev sets: source_dir, programs, data, port, sockets.

servers="lighttpd mod_fcgid proxy_fcgi nginx cgi lighttpd_cgi bundle"

# server_packages NAME: what must be installed for it.
server_packages() {
  case $1 in
    lighttpd | lighttpd_cgi) echo lighttpd ;;
    mod_fcgid | bundle) echo apache2-bin libapache2-mod-fcgid ;;
    proxy_fcgi) echo apache2-bin spawn-fcgi ;;
    nginx) echo nginx-light spawn-fcgi ;;
    cgi) echo apache2-bin ;;
  esac
}

# server_start NAME: writes its config and starts it; sets server_pid.
server_start() {
  server_groups=()
  case $1 in
    lighttpd) lighttpd_start porchlight.conf ;;
    lighttpd_cgi) lighttpd_start porchlight-cgi.conf ;;
    mod_fcgid) apache_start FCGID ;;
    cgi) apache_start CGI ;;
    bundle) bundle_start ;;
    proxy_fcgi)
      programs_start
      apache_start PROXY
      ;;
    nginx)
      programs_start
      nginx_start
      ;;
  esac
}

# in_session COMMAND...: in the background, in a session of its own: Ctrl-C
# reaches only us and we end it all in order. SIGTERM if we die without that.
in_session() {
  setsid setpriv --pdeathsig TERM "$@" >>"$data/start.log" 2>&1 &
  server_pid=$!
  server_groups+=("$server_pid")
}

lighttpd_start() {
  cat >"$data/lighttpd.conf" <<END
var.porchlight_source   = "$source_dir"
var.porchlight_programs = "$programs"
var.porchlight_config   = "$data/porchlight.conf"
var.porchlight_sockets  = "$sockets"
var.porchlight_widget   = "$source_dir/widget"
var.demo_snippet        = "$1"
var.demo_data           = "$data"
var.demo_port           = $port
include var.porchlight_source + "/lighttpd-conf/demo.conf"
END
  in_session lighttpd -D -f "$data/lighttpd.conf"
}

# Apache's children may not be root. Where we are, they are www-data with
# root's right to open files, for the demo's are root's own.
apache_start() {
  local user group as=()
  user=$(id -un)
  group=$(id -gn)
  if [ "$(id -u)" = 0 ]; then
    user=www-data
    group=www-data
    as=(setpriv "--reuid=$user" "--regid=$group" --clear-groups
      --inh-caps=+dac_override --ambient-caps=+dac_override)
  fi
  mkdir -p "$sockets/fcgid"
  cat >"$data/apache.conf" <<END
Define DEMO_$1
Define DEMO_PORT $port
Define DEMO_DATA "$data"
Define DEMO_USER $user
Define DEMO_GROUP $group
Define PORCHLIGHT_SOURCE "$source_dir"
Define PORCHLIGHT_PROGRAMS "$programs"
Define PORCHLIGHT_CONFIG "$data/porchlight.conf"
Define PORCHLIGHT_SOCKETS "$sockets"
Define PORCHLIGHT_WIDGET "$source_dir/widget"
Include "$source_dir/apache-conf/demo.conf"
END
  in_session ${as[@]+"${as[@]}"} apache2 -DFOREGROUND -f "$data/apache.conf"
}

nginx_start() {
  local file
  for file in demo porchlight; do
    sed -e "s|@SOURCE@|$source_dir|; s|@DATA@|$data|; s|@SOCKETS@|$sockets|" \
      -e "s|@PORT@|$port|; s|@USER@|$(id -un) $(id -gn)|" \
      -e "s|/run/porchlight|$sockets|" \
      -e "s|/usr/local/share/porchlight|$source_dir/widget|" \
      "$source_dir/nginx-conf/$file.conf" >"$data/$file.nginx.conf"
  done
  in_session nginx -e "$data/nginx.log" -c "$data/demo.nginx.conf"
}

# A shared host, in a chroot: Apache, mod_fcgid and what these two need, and
# not one library of ours. The site's owner has but a folder, and in it what
# make bundle makes.
bundle_unpack() {
  local home
  [ "$(id -u)" = 0 ] || die "--server bundle makes a chroot: it is for root"
  flock "${BUILD:-build}/.dev-lock" make -C "${BUILD:-build}" -s bundle >"$data/bundle.log" 2>&1 ||
    die "make bundle failed: $data/bundle.log"
  host=$data/host
  home=$host/home/shop
  [ -d "$host" ] || host_make
  rm -rf "$home/public_html"
  mkdir -p "$home/public_html"
  tar -C "$home/public_html" -xzf "${BUILD:-build}"/porchlight-bundle-*.tar.gz
  programs=$home/public_html/porchlight
  config=$programs/porchlight.conf
  db=$home/porchlight-data/porchlight.db
  prefix=/porchlight
}

# The host's own files: programs, the modules of bundle/apache.conf, and the
# libraries that these name.
host_make() {
  local file
  mkdir -p "$host"/{dev/shm,etc,home/shop,run/fcgid,tmp,var/log}
  chmod 1777 "$host"/{tmp,dev/shm}
  mknod -m 0666 "$host/dev/null" c 1 3
  mknod -m 0666 "$host/dev/urandom" c 1 9
  printf 'root:x:0:0::/:\nshop:x:33:33::/home/shop:\n' >"$host/etc/passwd"
  printf 'root:x:0:\nshop:x:33:\n' >"$host/etc/group"
  {
    command -v apache2
    ldconfig -p | awk '/libgcc_s/ && !n++ { print $NF }' # opened when a thread ends
    sed -n 's/^LoadModule .* //p' "$source_dir/tests/lib/host.conf"
  } | while read -r file; do
    echo "$file"
    ldd "$file" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'
  done | sort -u | while read -r file; do
    install -D "$file" "$host$file"
  done
}

bundle_start() {
  sed "s|@PORT@|$port|" "$source_dir/tests/lib/host.conf" >"$host/etc/apache.conf"
  chown -R 33:33 "$host/home/shop" "$host/run" "$host/var/log"
  ln -sf host/var/log/apache.log "$data/apache.log"
  in_session chroot --userspec=33:33 "$host" \
    "$(command -v apache2)" -DFOREGROUND -f /etc/apache.conf
}

# The programs where the web server starts none: spawn-fcgi opens the socket,
# a shell stays and starts the program again should it end, as systemd would.
programs_start() {
  local name
  for name in presence events; do
    PORCHLIGHT_CONFIG=$data/porchlight.conf in_session spawn-fcgi -n -b 4096 \
      -s "$sockets/$name.sock" -- /bin/sh -c \
      "trap end=1 TERM
      while [ -z \"\$end\" ]; do '$programs/$name.fcgi' 2>>'$data/programs.log'; done"
  done
  chmod 0711 "$sockets"
  for name in presence events; do
    while [ ! -S "$sockets/$name.sock" ]; do sleep 0.02; done
    chmod 0666 "$sockets/$name.sock"
  done
}

# Ends all that was started: asks, waits 5 s, then insists.
server_end() {
  servers_signal TERM
  servers_gone && return
  servers_signal KILL
  servers_gone || : # what is killed takes a moment too
}

servers_signal() {
  local group
  for group in ${server_groups[@]+"${server_groups[@]}"}; do
    kill "-$1" "$group" "-$group" 2>/dev/null || :
  done
}

# Waits for that, for 5 s.
servers_gone() {
  local i group alive
  for ((i = 0; i < 100; i++)); do
    alive=''
    for group in ${server_groups[@]+"${server_groups[@]}"}; do
      ! kill -0 "-$group" 2>/dev/null || alive=1
    done
    [ -n "$alive" ] || return 0
    sleep 0.05
  done
  return 1
}
