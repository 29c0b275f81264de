#!/usr/bin/env bash
# install.sh: builds Elastic's OSS Filebeat from its Go module into the cache; prints the path of the program.
set -euo pipefail
cd "$(dirname "$0")"
. ../common.sh
. ../go.sh
go_program filebeat filebeat go "345 MB of modules, some minutes"
