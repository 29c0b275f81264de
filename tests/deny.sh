#!/usr/bin/env bash
# deny.sh: cargo-deny on deny.toml: licences, bans and sources always; advisories where their database can be had.
# Exits 0 when nothing is forbidden. What could not be checked is said, also in the file NOTE if that is set.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/services/common.sh
DENY=$(command -v cargo-deny || echo "$CACHE/cargo-deny")
[ -x "$DENY" ] || die "cargo-deny is missing: run 'make deps'"
CHECKS=(bans licenses sources)
DATABASE=https://github.com/RustSec/advisory-db
if GIT_TERMINAL_PROMPT=0 timeout 20 git ls-remote --quiet --exit-code "$DATABASE" HEAD > /dev/null 2>&1; then
  CHECKS+=(advisories)
else
  note="advisories NOT checked: $DATABASE cannot be reached"
  say "$note"
  [ -z "${NOTE:-}" ] || echo "$note" > "$NOTE"
fi
"$DENY" --locked check --hide-inclusion-graph "${CHECKS[@]}"
