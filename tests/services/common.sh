# Shared by the scripts of the test services; to be sourced. Cache layout, logging, locks, stopping by process id.

CACHE=${INGEST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ingestion-platform}

# say TEXT...: progress for people; standard output belongs to the address that a script prints.
say() { echo "$*" >&2; }

# die TEXT...: gives up with a reason.
die() { say "$*"; exit 1; }

# lock NAME: holds CACHE/NAME.lock until this process ends, so that two installs never meet.
lock() {
  mkdir -p "$CACHE"
  exec 9> "$CACHE/$1.lock"
  flock -n 9 || { say "another installation of $1 is under way; waiting for it"; flock 9; }
}

# java_home: the folder of a Java 17 or newer.
java_home() {
  local java
  java=$(command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java") || die "java is missing: run 'make deps'"
  dirname "$(dirname "$(readlink -f "$java")")"
}

# runs PID: whether that process runs (a killed one that nobody has waited for yet does not).
runs() { grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"; }

# alive PID_FILE: whether the process named there runs.
alive() { local pid; pid=$(cat "$1" 2> /dev/null) && [ -n "$pid" ] && runs "$pid"; }

# stop PID_FILE: TERM, and KILL after 30 s; nothing to do is fine.
stop() {
  local pid; pid=$(cat "$1" 2> /dev/null) || return 0
  if [ -n "$pid" ] && runs "$pid"; then
    kill "$pid" 2> /dev/null
    for _ in $(seq 300); do
      runs "$pid" || break
      sleep 0.1
    done
    if runs "$pid"; then
      say "process $pid did not end in 30 s: killed"
      kill -9 "$pid" 2> /dev/null
    fi
  fi
  rm -f "$1"
}
