#!/usr/bin/env bash
# install.sh: builds a reader of Logstash configurations that this project has no part in; prints the path of the program.
set -euo pipefail
cd "$(dirname "$0")"
. ../common.sh
. ../go.sh
go_program config-reader grammar go "some seconds"
