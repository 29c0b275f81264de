#!/usr/bin/env bash
# stop.sh DATA_DIR: ends the server that start.sh started there.
set -uo pipefail
. "$(dirname "$0")/../common.sh"
stop "${1:?usage: stop.sh DATA_DIR}/mongodb.pid"
