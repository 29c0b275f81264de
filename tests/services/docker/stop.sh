#!/usr/bin/env bash
# stop.sh DATA_DIR: ends the Docker that start.sh started there, with all its containers, and unmounts what it mounted.
set -uo pipefail
. "$(dirname "$0")/../common.sh"
D=$(realpath -m "${1:?usage: stop.sh DATA_DIR}")
stop "$D/docker.pid"
stop "$D/run/containerd/containerd.pid"
# what ran in containers: their first processes are named by the runtime
for init in "$D"/run/containerd/daemon/io.containerd.runtime.v2.task/moby/*/init.pid; do
  [ ! -f "$init" ] || kill -9 "$(cat "$init")" 2> /dev/null
done
cut -d ' ' -f 2 /proc/self/mounts | grep -F "$D/" | sort -r | while read -r mount; do
  umount -l "$mount"
done
rm -rf "$D/data" "$D/run" "$D/docker.sock"
