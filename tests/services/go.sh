# Shared by the scripts that build a program from its Go modules; to be sourced after common.sh.

# go_program NAME SUITE SOURCE REMARK: builds the program in the folder SOURCE into the cache, once per version of its
# files; prints its path. go.mod and go.sum there name every module, so nothing is resolved. Needs Go 1.26 or newer.
go_program() {
  local name=$1 suite=$2 source=$3 remark=$4
  local dest; dest=$CACHE/$name-$(cat "$source"/* | sha256sum | cut -c1-12)
  lock "$name"
  [ -d "$dest" ] && { echo "$dest/$name"; return 0; }
  command -v go > /dev/null ||
    die "Go is missing: install 1.26 or newer (see https://go.dev/doc/install), or switch the suite off by SKIP_SUITES=$suite"
  say "building $name ($remark) into $dest"
  TMP=$(mktemp -d "$CACHE/$name.XXXXXX")
  trap 'rm -rf "$TMP"' EXIT
  (cd "$source" && CGO_ENABLED=0 nice -n 5 go build -mod=readonly -buildvcs=false -trimpath -ldflags='-s -w' \
    -o "$TMP/$name" .) >&2
  chmod a+rx "$TMP"
  mv "$TMP" "$dest"
  echo "$dest/$name"
}
