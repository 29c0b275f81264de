#!/usr/bin/env bash
# stop.sh DATA_DIR: ends the Docker that start.sh started there, with all its containers and networks, unmounts what it
# mounted, and takes its rules out of the firewall.
set -uo pipefail
. "$(dirname "$0")/../common.sh"
D=$(realpath -m "${1:?usage: stop.sh DATA_DIR}")
api() { curl -sf -m 60 --unix-socket "$D/docker.sock" -X "$1" "http://docker/$2"; }

if alive "$D/docker.pid"; then
  api GET 'containers/json?all=1' | grep -o '"Id":"[0-9a-f]*"' | cut -d '"' -f 4 | while read -r id; do
    api DELETE "containers/$id?force=1"
  done
  api POST networks/prune > /dev/null
fi
stop "$D/docker.pid"
stop "$D/run/containerd/containerd.pid"
cut -d ' ' -f 2 /proc/self/mounts | grep -F "$D/" | sort -r | while read -r mount; do
  umount -l "$mount"
done
if [ -s "$D/forward.policy" ]; then
  iptables-save | grep -v DOCKER | iptables-restore
  iptables $(cat "$D/forward.policy")
fi
rm -rf "$D/data" "$D/run" "$D/docker.sock" "$D/forward.policy"
