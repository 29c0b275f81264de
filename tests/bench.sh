#!/usr/bin/env bash
# bench.sh: measures worker and platform in release builds, and writes the table reports/benchmark.md.
# With ELASTICSEARCH_URL and MONGODB_URI set, a job into that Elasticsearch is measured beside the embedded core DMS.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/services/common.sh
tests/deps.sh build
REPORT=reports/benchmark.md

# with the servers, the batch side runs as the daemon of its own
cargo build --release --locked -p cli -p batchingestmanager
ROWS=$(mktemp "${TMPDIR:-/tmp}/ingest-bench.XXXXXX")
trap 'rm -f "$ROWS"' EXIT
say "measuring the pipeline language"
cargo bench --locked --quiet -p wrangling --bench filters | tee -a "$ROWS"
say "measuring the worker"
cargo bench --locked --quiet -p worker --bench worker | tee -a "$ROWS"
say "measuring the platform"
cargo bench --locked --quiet -p cli --bench platform | tee -a "$ROWS"

cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal:/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
{
  cat << END
# Benchmark

One run of \`make bench\` on $(date -u +%F), at commit $(git rev-parse --short HEAD): $(nproc) cores of ${cpu:-an unknown processor}, $memory,
Linux $(uname -r), $(rustc --version | cut -d' ' -f1-2). The machine may have had other work at the same time; measure your own.

The worker is measured over the bundled flights repeated to 1 GB and over lines of an access log, into a sink on loopback that
counts and acknowledges \`_bulk\` and does nothing else; it shares the cores with it. The platform is measured with its embedded
defaults. The first rows are the pipeline language alone, one filter after the other: what a row takes more than the one before
is its last filter, and encoding is what making the JSON takes. The rest of a worker's time is reading and sending.

| what | measured |
|---|---|
END
  grep '^|' "$ROWS"
} > "$REPORT"
say "written: $REPORT"
