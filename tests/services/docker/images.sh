#!/usr/bin/env bash
# images.sh FILEBEAT LOGSTASH: gives the Docker at DOCKER_HOST two images to test the elastic engine with, named as the
# product's own: FILEBEAT is a real Filebeat program; LOGSTASH a program with Logstash's face (`LOGSTASH logstash -f …`).
# Both images hold busybox, these programs and the libraries that they need, and nothing else.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
[ $# = 2 ] || die "usage: $0 FILEBEAT LOGSTASH"
FILEBEAT=$(realpath "$1") LOGSTASH=$(realpath "$2")
SOCKET=${DOCKER_HOST#unix://}
TAG=9.3.8
ROOT=$(mktemp -d)
trap 'rm -rf "$ROOT"' EXIT

# with_libraries FOLDER PROGRAM: copies what the program is linked with.
with_libraries() {
  ldd "$2" 2> /dev/null | grep -o '/[^ ]*' | while read -r library; do
    install -D "$library" "$1$library"
  done || true
}

# base FOLDER: what any of them has.
base() {
  mkdir -p "$1/bin" "$1/etc" "$1/tmp"
  cp /etc/os-release "$1/etc/os-release" # Filebeat will not start without
  chmod 1777 "$1/tmp"
  cp "$(command -v busybox)" "$1/bin/busybox"
  for applet in sh cat base64 sleep; do ln -s busybox "$1/bin/$applet"; done
}

# import FOLDER NAME
import() {
  tar --owner=1000 --group=0 --numeric-owner -C "$1" -cf - . |
    curl -sf -m 300 --unix-socket "$SOCKET" -X POST -H 'Content-Type: application/x-tar' -T - \
      "http://docker/v1.41/images/create?fromSrc=-&repo=$2&tag=$TAG" > /dev/null
}

base "$ROOT/filebeat"
mkdir -p "$ROOT/filebeat/usr/share/filebeat/data" "$ROOT/filebeat/usr/share/filebeat/logs"
cp "$FILEBEAT" "$ROOT/filebeat/usr/share/filebeat/filebeat"
with_libraries "$ROOT/filebeat" "$FILEBEAT"
import "$ROOT/filebeat" docker.elastic.co/beats/filebeat-oss

base "$ROOT/logstash"
mkdir -p "$ROOT/logstash/usr/share/logstash/bin" "$ROOT/logstash/usr/share/logstash/data" "$ROOT/logstash/usr/share/logstash/config"
cp "$LOGSTASH" "$ROOT/logstash/usr/share/logstash/program"
cat > "$ROOT/logstash/usr/share/logstash/bin/logstash" <<'EOF'
#!/bin/sh
exec /usr/share/logstash/program logstash --path.settings /usr/share/logstash/config "$@"
EOF
chmod 755 "$ROOT/logstash/usr/share/logstash/bin/logstash"
with_libraries "$ROOT/logstash" "$LOGSTASH"
import "$ROOT/logstash" docker.elastic.co/logstash/logstash-oss
