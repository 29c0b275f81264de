#!/usr/bin/env bash
# run.sh [SUITE...]: runs the suites one after another (all of them unless named) and ends with a table of how it went.
# Fails when a suite failed or could not run, unless it was switched off by name: SKIP_SUITES=name,name.
#
# A test that needs a real service is in a test target whose name begins with that service's:
# <crate>/tests/elasticsearch*.rs, <crate>/tests/mongodb*.rs, <crate>/tests/docker*.rs, <crate>/tests/filebeat*.rs; end
# to end tests are in <crate>/tests/e2e*.rs. Real Elasticsearch (one without, one with security), a server of MongoDB's
# protocol and Docker are started here, unless ELASTICSEARCH_URL, ELASTICSEARCH_SECURED_URL, MONGODB_URI or DOCKER_HOST
# names one to be used instead, and stopped whatever happens. A real Filebeat is built, unless FILEBEAT names the program;
# its tests start it, or a container that it is put into. <crate>/tests/grammar*.rs ask a reader of Logstash
# configurations that is not ours; it is built unless CONFIG_READER names it.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/services/common.sh

ALL=(fmt clippy deny build unit doc grammar elasticsearch mongodb filebeat docker e2e kills)
SUITES=("$@")
[ $# -gt 0 ] || SUITES=("${ALL[@]}")
SKIP=${SKIP_SUITES:-}
SUITE_TIMEOUT=${SUITE_TIMEOUT:-45m}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/ingest-tests.XXXXXX")
ROWS=()          # the table: suite, result, seconds, remark; separated by tabs
BAD=0            # suites that failed or could not run
PASSED=0 FAILED=0 # single tests, as the test runner counted them

is_one_of() { local it=$1; shift; local x; for x; do [ "$x" = "$it" ] && return; done; return 1; }
skipped() { is_one_of "$1" ${SKIP//,/ }; }
wanted() { is_one_of "$1" "${SUITES[@]}" && ! skipped "$1"; }
now() { date +%s; }

# What a suite is: one command. ------------------------------------------------------------------------------------

CARGO_TEST=(cargo test --locked --workspace --no-fail-fast)

command_of() {
  case $1 in
    fmt) COMMAND=(cargo fmt --all --check) ;;
    clippy) COMMAND=(cargo clippy --locked --workspace --all-targets -- -D warnings) ;;
    deny) COMMAND=(env "NOTE=$WORK/note" tests/deny.sh) ;;
    build) COMMAND=(cargo build --locked --workspace --all-targets) ;;
    unit) COMMAND=("${CARGO_TEST[@]}" --lib --bins $(targets_without_services)) ;;
    doc) COMMAND=("${CARGO_TEST[@]}" --doc) ;;
    grammar | elasticsearch | mongodb | filebeat | docker) COMMAND=("${CARGO_TEST[@]}" --test "$1*") ;;
    e2e) COMMAND=("${CARGO_TEST[@]}" --test "e2e*" -- --skip kill_schedules) ;;
    kills) COMMAND=("${CARGO_TEST[@]}" --test "e2e*" -- kill_schedules) ;;
  esac
}

# The test targets that need no service, as cargo's arguments.
targets_without_services() {
  local file name
  for file in crates/*/tests/*.rs crates/*/tests/*/main.rs *manager/tests/*.rs *manager/tests/*/main.rs coredms/tests/*.rs coredms/tests/*/main.rs; do
    [ -f "$file" ] || continue
    name=${file%/main.rs}; name=$(basename "$name" .rs)
    case $name in grammar* | elasticsearch* | mongodb* | filebeat* | docker* | e2e*) ;; *) echo --test "$name" ;; esac
  done | sort -u
}

# What a suite needs beforehand; says why not and fails.
prepare() {
  case $1 in
    fmt | clippy) tests/deps.sh lint >&2 || reason "its tools are missing" ;;
    deny) tests/deps.sh lint >&2 || reason "cargo-deny could not be installed" ;;
    unit | doc) built ;;
    elasticsearch) built && service elasticsearch ELASTICSEARCH_URL && service elasticsearch-secured ELASTICSEARCH_SECURED_URL ;;
    mongodb) built && service mongodb MONGODB_URI ;;
    grammar) built && service grammar CONFIG_READER ;;
    filebeat) built && service filebeat FILEBEAT ;;
    docker) built && service filebeat FILEBEAT && service docker DOCKER_HOST && images ;;
    e2e | kills) built && service elasticsearch ELASTICSEARCH_URL && service mongodb MONGODB_URI ;;
  esac
}
# The images of the elastic engine: the real Filebeat, and in place of Logstash the worker with its face.
images() {
  [ -n "${FILEBEAT:-}" ] || { reason "its Filebeat is switched off by SKIP_SUITES=filebeat"; return; }
  cargo build --locked -p worker &&
    tests/services/docker/images.sh "$FILEBEAT" "${CARGO_TARGET_DIR:-target}/debug/ingestworker" >&2 ||
    reason "the images for Docker could not be made, see above"
}
REASON=
reason() { REASON=$1; return 1; }
BUILD_FAILED=
built() { [ -z "$BUILD_FAILED" ] || reason "the build failed"; }

# The services. They are installed and started beside the first suites; a suite that needs one waits for it. --------

SERVICES_PID=
start_services() {
  local services=()
  [ -n "${CONFIG_READER:-}" ] || ! wanted grammar || services+=(grammar)
  [ -n "${ELASTICSEARCH_URL:-}" ] || { { wanted elasticsearch || wanted e2e || wanted kills; } && ! skipped elasticsearch && services+=(elasticsearch); }
  [ -n "${ELASTICSEARCH_SECURED_URL:-}" ] || { wanted elasticsearch && services+=(elasticsearch-secured); }
  [ -n "${MONGODB_URI:-}" ] || { { wanted mongodb || wanted e2e || wanted kills; } && ! skipped mongodb && services+=(mongodb); }
  [ -n "${FILEBEAT:-}" ] || ! { wanted filebeat || wanted docker; } || services+=(filebeat)
  [ -n "${DOCKER_HOST:-}" ] || ! wanted docker || services+=(docker)
  [ ${#services[@]} -gt 0 ] || return 0
  say "starting ${services[*]} beside the first suites"
  # a group of its own, so that an interrupted installation can be ended
  setsid bash -c '
    tests/deps.sh services > "$0/deps.log" 2>&1 || exit
    for name; do
      start=(start.sh "$0/$name"); [ ! -e "tests/services/$name/install.sh" ] || [ -e "tests/services/$name/start.sh" ] || start=(install.sh)
      [ "$name" != elasticsearch-secured ] || export ES_PASSWORD=of-this-test-only
      "tests/services/${name%-secured}/${start[0]}" "${start[@]:1}" > "$0/$name.address" 2> "$0/$name.log"
    done
  ' "$WORK" "${services[@]}" < /dev/null &
  SERVICES_PID=$!
}

# service NAME VARIABLE: exports the address of a service (of Filebeat, its path), or says why there is none.
service() {
  [ -z "${!2:-}" ] || { export "$2"; return 0; }
  ! skipped "${1%-secured}" || return 0 # its tests see from SKIP_SUITES that they are not wanted
  while [ ! -s "$WORK/$1.address" ] && [ -n "$SERVICES_PID" ] && runs "$SERVICES_PID"; do sleep 0.5; done
  if [ -s "$WORK/$1.address" ]; then
    export "$2=$(cat "$WORK/$1.address")"
    say "$1 is at ${!2}"
  else
    cat "$WORK/deps.log" "$WORK/$1.log" >&2 2> /dev/null
    reason "$1 could not be started, see above"
  fi
}

# Running and counting. --------------------------------------------------------------------------------------------

row() { ROWS+=("$1"$'\t'"$2"$'\t'"$3"$'\t'"${4:-}"); }

# run COMMAND...: with its output shown and kept in WORK/log; its own process group, so that all of it can be ended.
run() {
  {
    setsid timeout --kill-after=10 "$SUITE_TIMEOUT" "$@" < /dev/null &
    echo $! > "$WORK/running"
    wait $!
    echo $? > "$WORK/status"
  } 2>&1 | tee "$WORK/log" &
  wait $!
  rm -f "$WORK/running"
  return "$(cat "$WORK/status")"
}

# tally: adds the tests of the suite that just ran to the sums; leaves their number in TESTS.
tally() {
  local passed failed
  read -r passed failed < <(awk '/^test result: / { p += $4; f += $6 } END { print p + 0, f + 0 }' "$WORK/log")
  TESTS=$((passed + failed)); PASSED=$((PASSED + passed)); FAILED=$((FAILED + failed))
}

suite() {
  local name=$1 began status remark=
  REASON=
  began=$(now)
  if skipped "$name"; then row "$name" "switched off" 0 "SKIP_SUITES"; return; fi
  printf '\n=== %s\n' "$name"
  rm -f "$WORK/note"
  if ! prepare "$name"; then
    row "$name" "NOT RUN" $(($(now) - began)) "$REASON"; BAD=$((BAD + 1)); return
  fi
  command_of "$name"
  echo "\$ ${COMMAND[*]}"
  run "${COMMAND[@]}"; status=$?
  tally
  [ "$TESTS" = 0 ] || remark="$TESTS tests"
  [ ! -s "$WORK/note" ] || remark=$(cat "$WORK/note")
  if [ $status = 124 ]; then remark="not done after $SUITE_TIMEOUT"; fi
  if [ $status = 0 ]; then
    row "$name" passed $(($(now) - began)) "$remark"
  else
    row "$name" FAILED $(($(now) - began)) "$remark"; BAD=$((BAD + 1))
    [ "$name" != build ] || BUILD_FAILED=yes
  fi
  printf -- '--- %s: %s s\n' "$name" $(($(now) - began))
}

table() {
  printf '\n%-14s %-13s %7s  %s\n' suite result time ''
  local name result seconds remark
  local r; for r in "${ROWS[@]}"; do
    IFS=$'\t' read -r name result seconds remark <<< "$r"
    printf '%-14s %-13s %5d s  %s\n' "$name" "$result" "$seconds" "$remark"
  done
  printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
}

cleanup() {
  trap - EXIT INT TERM HUP
  [ ! -s "$WORK/running" ] || kill -- "-$(cat "$WORK/running")" 2> /dev/null
  [ -z "$SERVICES_PID" ] || ! runs "$SERVICES_PID" || kill -- "-$SERVICES_PID" 2> /dev/null
  local name; for name in elasticsearch elasticsearch-secured mongodb docker; do
    [ ! -d "$WORK/$name" ] || "tests/services/${name%-secured}/stop.sh" "$WORK/$name"
  done
  rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for name in "${SUITES[@]}" ${SKIP//,/ }; do
  is_one_of "$name" "${ALL[@]}" || die "there is no suite '$name'; the suites are: ${ALL[*]}"
done
export SKIP_SUITES=$SKIP
tests/deps.sh build test || exit 1
BEGAN=$(now)
start_services
for name in "${SUITES[@]}"; do suite "$name"; done
table
say "all of it took $(($(now) - BEGAN)) s"
[ "$BAD" = 0 ] || die "$BAD of ${#SUITES[@]} suites failed or could not run"
