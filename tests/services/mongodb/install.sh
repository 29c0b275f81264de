#!/usr/bin/env bash
# install.sh: puts a server of MongoDB's protocol (mongo-java-server) into the cache, once per version of the
# files beside this one; prints where. Needs a Java 17 development kit and Maven.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
SOURCE=$(cd "$(dirname "$0")/java" && pwd)
DEST=$CACHE/mongodb-$(cat "$SOURCE"/* | sha256sum | cut -c1-12)

lock mongodb
[ -d "$DEST" ] && { echo "$DEST"; exit 0; }
say "installing mongo-java-server (27 MB) into $DEST"
TMP=$(mktemp -d "$CACHE/mongodb.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
mvn -q -B -f "$SOURCE/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
  -DoutputDirectory="$TMP/lib" >&2
JAVA=$(java_home)
"$JAVA/bin/javac" -cp "$TMP/lib/*" -d "$TMP/classes" "$SOURCE/MongoMain.java" >&2
chmod a+rx "$TMP"
mv "$TMP" "$DEST"
echo "$DEST"
