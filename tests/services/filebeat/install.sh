#!/usr/bin/env bash
# install.sh: builds Elastic's OSS Filebeat from its Go module into the cache, once per version of the files beside
# this one; prints the path of the program. go.mod and go.sum there name every module, so nothing is resolved.
# Needs Go 1.26 or newer.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
SOURCE=$(cd "$(dirname "$0")/go" && pwd)
DEST=$CACHE/filebeat-$(cat "$SOURCE"/* | sha256sum | cut -c1-12)

lock filebeat
[ -d "$DEST" ] && { echo "$DEST/filebeat"; exit 0; }
command -v go > /dev/null ||
  die "Go is missing: install 1.26 or newer (see https://go.dev/doc/install), or switch the suite off by SKIP_SUITES=filebeat"
say "building Filebeat (345 MB of modules, some minutes) into $DEST"
TMP=$(mktemp -d "$CACHE/filebeat.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
(cd "$SOURCE" && CGO_ENABLED=0 nice -n 5 go build -mod=readonly -buildvcs=false -trimpath -ldflags='-s -w' \
  -o "$TMP/filebeat" .) >&2
chmod a+rx "$TMP"
mv "$TMP" "$DEST"
echo "$DEST/filebeat"
