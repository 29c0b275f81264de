#!/usr/bin/env bash
# start.sh DATA_DIR [PORT]: one Elasticsearch node on 127.0.0.1 (a free port unless given); installs it if need be.
# Prints its address when its health is at least yellow. Everything it writes is in DATA_DIR. ES_HEAP: 512m.
# ES_PASSWORD turns security on, with a superuser `test` of that password; the address then holds both.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
[ $# -ge 1 ] || die "usage: $0 DATA_DIR [PORT]"
D=$(realpath -m "$1"); PORT=${2:-0}
mkdir -p "$D"
H=$("$HERE/install.sh")
alive "$D/es.pid" && { cat "$D/url"; exit 0; }
rm -rf "$D/es.pid" "$D/url" "$D/logs"
mkdir -p "$D/conf" "$D/data" "$D/logs" "$D/tmp"

grep -vE 'gc\.log|HeapDump' "$H/config/jvm.options" > "$D/conf/jvm.options"
cat > "$D/conf/log4j2.properties" <<L
appender.f.type=File
appender.f.name=f
appender.f.fileName=$D/logs/server.log
appender.f.layout.type=PatternLayout
appender.f.layout.pattern=[%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level=info
rootLogger.appenderRef.f.ref=f
L
cat > "$D/conf/elasticsearch.yml" <<Y
cluster.name: test
node.name: test-1
path.data: $D/data
path.logs: $D/logs
network.host: 127.0.0.1
http.port: $PORT
transport.port: 0
discovery.type: single-node
action.destructive_requires_name: false
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: $([ -n "${ES_PASSWORD:-}" ] && echo true || echo false)
Y

[ -z "${ES_PASSWORD:-}" ] || touch "$D/conf/users" "$D/conf/users_roles"

# It refuses to run as uid 0: another uid in a user namespace (files stay ours), else the user nobody.
AS=()
if [ "$(id -u)" = 0 ]; then
  if unshare --user --map-user=1000 --map-group=1000 true 2>/dev/null; then
    AS=(unshare --user --map-user=1000 --map-group=1000)
  else
    AS=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    chown -R nobody "$D"
    "${AS[@]}" test -r "$H/config/jvm.options" ||
      die "Elasticsearch does not run as root, and the user nobody cannot read $H: set INGEST_TEST_CACHE to a folder that it can"
  fi
fi

unset JAVA_TOOL_OPTIONS _JAVA_OPTIONS JAVA_OPTS
ES_JAVA_HOME=$(java_home)
export ES_JAVA_HOME ES_TMPDIR="$D/tmp"
export ES_JAVA_OPTS="-Xms${ES_HEAP:-512m} -Xmx${ES_HEAP:-512m} -XX:-AlwaysPreTouch -XX:TieredStopAtLevel=1"
# cli NAME LIBRARIES ARGUMENTS...: a command line tool of Elasticsearch
cli() {
  local name=$1 libraries=$2; shift 2
  (cd "$H" && setsid ${AS[@]+"${AS[@]}"} "$ES_JAVA_HOME/bin/java" -Xms4m -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dcli.name="$name" -Dcli.script="$H/bin/elasticsearch-$name" -Dcli.libs="$libraries" \
    -Des.path.home="$H" -Des.path.conf="$D/conf" -Des.distribution.type=tar -Des.java.type=ES_JAVA_HOME \
    -cp "$H/lib/*:$H/lib/cli-launcher/*" org.elasticsearch.launcher.CliToolLauncher "$@")
}
failed() { stop "$D/es.pid"; say "Elasticsearch did not start:"; tail -n 30 "$D/stdout.log" "$D/logs/server.log" >&2 || true; exit 1; }
AUTH=() SCHEME=http://
if [ -n "${ES_PASSWORD:-}" ]; then
  AUTH=(-u "test:$ES_PASSWORD") SCHEME="http://test:$ES_PASSWORD@"
  if [ ! -s "$D/conf/users" ]; then
    cli users modules/x-pack-core,modules/x-pack-security,lib/tools/security-cli useradd test -p "$ES_PASSWORD" -r superuser \
      > "$D/stdout.log" 2>&1 < /dev/null || failed
  fi
fi
cli server lib/tools/server-cli -d -p "$D/es.pid" > "$D/stdout.log" 2>&1 < /dev/null || failed

# the port that it took is in its log
for _ in $(seq 600); do
  url=$(sed -n 's/.*HttpServerTransport.*publish_address {\(127\.0\.0\.1:[0-9]*\)}.*/http:\/\/\1/p' "$D/logs/server.log" | tail -n 1)
  if [ -n "$url" ] && curl -sf -m 5 ${AUTH[@]+"${AUTH[@]}"} -o /dev/null "$url/_cluster/health?wait_for_status=yellow&timeout=2s"; then
    echo "$SCHEME${url#http://}" | tee "$D/url"
    exit 0
  fi
  alive "$D/es.pid" || failed
  sleep 0.1
done
failed
