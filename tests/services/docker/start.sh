#!/usr/bin/env bash
# start.sh DATA_DIR: a Docker of its own, on a socket in DATA_DIR; installs it if need be. Prints the value for
# DOCKER_HOST once it answers. Where a Docker already serves this machine, its address is printed and nothing is started:
# two would share the names of the firewall's chains. Needs root.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
[ $# = 1 ] || die "usage: $0 DATA_DIR"
D=$(realpath -m "$1")
answers() { curl -sf -m 5 -o /dev/null --unix-socket "$1" http://docker/_ping; }

"$HERE/../../deps.sh" docker >&2
alive "$D/docker.pid" && { echo "unix://$D/docker.sock"; exit 0; }
answers /var/run/docker.sock && { echo unix:///var/run/docker.sock; exit 0; }
[ "$(id -u)" = 0 ] || die "Docker can be started by root only: set DOCKER_HOST to one that runs, or SKIP_SUITES=docker"
# below it are a few more names, and a socket's path has at most 107 bytes
[ ${#D} -le 70 ] || die "$D is too long a path for Docker's sockets: set TMPDIR to a shorter one"
mkdir -p "$D"
rm -f "$D/docker.pid"
# it closes this chain; stop.sh puts it back as it was
iptables -S FORWARD | head -n 1 > "$D/forward.policy"
# no bridge of its own: every network that is used is made for a test
setsid dockerd --data-root "$D/data" --exec-root "$D/run" --pidfile "$D/docker.pid" --host "unix://$D/docker.sock" \
  --bridge none --host-gateway-ip 127.0.0.1 > "$D/docker.log" 2>&1 < /dev/null &
PID=$!
for _ in $(seq 300); do
  answers "$D/docker.sock" && { echo "unix://$D/docker.sock"; exit 0; }
  runs "$PID" || break
  sleep 0.1
done
"$HERE/stop.sh" "$D"
say "Docker did not start:"
tail -n 30 "$D/docker.log" >&2
exit 1
