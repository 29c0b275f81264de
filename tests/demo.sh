#!/usr/bin/env bash
# demo.sh: the platform in a fresh home on its embedded defaults, one client, one job over the bundled flights, to the
# end: ledger, report, a search. Leaves the home for a look (its path is printed), stops the platform, exits 0.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/services/common.sh

cargo build --release --locked -p cli
PATH=$PWD/target/release:$PATH
DEMO=$(mktemp -d "${TMPDIR:-/tmp}/ingest-demo.XXXXXX")
export INGEST_HOME=$DEMO/home # where the commands below find the platform and their token
PLATFORM=

stop_platform() {
  trap - EXIT
  [ -n "$PLATFORM" ] || return 0
  kill "$PLATFORM" 2> /dev/null || true
  wait "$PLATFORM" 2> /dev/null || true
  PLATFORM=
}
trap stop_platform EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# step TEXT COMMAND...: says what it does, shows the command, runs it.
step() { printf '\n# %s\n$ %s\n' "$1" "${*:2}"; "${@:2}"; }

printf '\n# start the platform\n$ ingest up --home %s &\n' "$INGEST_HOME"
ingest up --home "$INGEST_HOME" > "$DEMO/platform.log" 2>&1 &
PLATFORM=$!
until grep -qi 'ready' "$DEMO/platform.log"; do
  kill -0 "$PLATFORM" 2> /dev/null || { cat "$DEMO/platform.log" >&2; die "the platform did not start"; }
  sleep 0.1
done

FLIGHTS=clientapps/flights
step "register a client" ingest client register demo --name "Demo"
step "give it a job" ingest job put demo/flights -f $FLIGHTS/job.yaml
step "stage a file: 27,004 departures from New York in January 2013" \
  ingest stage put demo/flights $FLIGHTS/flights-2013-01.csv.gz
step "run the job to its end" ingest run start demo/flights --wait

RUN=$(find "$INGEST_HOME/clientapps/demo/flights/runs" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tail -n 1)
[ -n "$RUN" ] || die "the job has no run"
step "its ledger: every record accounted for" ingest run show "demo/flights/$RUN"
step "search the result" ingest search demo/flights --by carrier

stop_platform
cat <<END

# where to look further
  the report for the client   $INGEST_HOME/clientapps/demo/flights/runs/$RUN/report.html
  start this home again       target/release/ingest up --home $INGEST_HOME
  the commands                target/release/ingest --help
  remove the demo             rm -r $DEMO
END
