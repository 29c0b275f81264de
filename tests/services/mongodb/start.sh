#!/usr/bin/env bash
# start.sh DATA_DIR [PORT [FILE]]: a server of MongoDB's protocol on 127.0.0.1 (a free port unless given, or 0);
# installs it if need be. Prints its address. With FILE the data outlive the process, else they are in memory.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
[ $# -ge 1 ] || die "usage: $0 DATA_DIR [PORT [FILE]]"
D=$(realpath -m "$1"); PORT=${2:-0}; FILE=${3:+$(realpath -m "$3")}
mkdir -p "$D"
H=$("$HERE/install.sh")
alive "$D/mongodb.pid" && { cat "$D/url"; exit 0; }
rm -f "$D/url"
: > "$D/mongodb.log"
JAVA=$(java_home)/bin/java
unset JAVA_TOOL_OPTIONS _JAVA_OPTIONS JAVA_OPTS
setsid "$JAVA" -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$H/lib/*:$H/classes" \
  MongoMain "$PORT" ${FILE:+"$FILE"} > "$D/mongodb.log" 2>&1 < /dev/null &
echo $! > "$D/mongodb.pid"
for _ in $(seq 300); do
  url=$(sed -n 's/^ready \(.*\)/\1/p' "$D/mongodb.log")
  [ -n "$url" ] && { echo "$url" | tee "$D/url"; exit 0; }
  alive "$D/mongodb.pid" || break
  sleep 0.1
done
stop "$D/mongodb.pid"
say "the MongoDB-protocol server did not start:"
cat "$D/mongodb.log" >&2
exit 1
