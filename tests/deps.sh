#!/usr/bin/env bash
# deps.sh [build] [test] [lint] [services] [docker]: installs what is missing for that; fast when nothing is.
# System packages by apt-get where we are root, cargo-deny into the cache; the Rust toolchain is only checked.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/services/common.sh
RUST=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
CARGO_DENY=0.20.2

# need COMMAND PACKAGE: notes the Debian package of a command that is missing.
MISSING=()
need() { command -v "$1" > /dev/null || MISSING+=("$2"); }

system_packages() {
  [ ${#MISSING[@]} = 0 ] && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    die "missing: ${MISSING[*]} (names of Debian packages). As root: apt-get install -y ${MISSING[*]}"
  fi
  say "installing ${MISSING[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${MISSING[@]}" < /dev/null
}

rust() {
  command -v cargo > /dev/null || [ ! -x "$HOME/.cargo/bin/cargo" ] ||
    die "cargo is in $HOME/.cargo/bin, which is not in PATH: run '. \"\$HOME/.cargo/env\"' and try again"
  command -v cargo > /dev/null ||
    die "Rust is missing: install $RUST or newer with rustup (see https://rustup.rs; 'curl --proto =https -sSf https://sh.rustup.rs | sh -s -- -y', then '. \"\$HOME/.cargo/env\"') and try again"
  local have; have=$(rustc --version | cut -d' ' -f2)
  printf '%s\n' "$RUST" "$have" | sort -C -V ||
    die "Rust $have is too old, $RUST or newer is needed: run 'rustup update stable', or install it from https://rustup.rs"
}

# rust_component COMMAND COMPONENT
rust_component() {
  cargo "$1" --version > /dev/null 2>&1 && return
  command -v rustup > /dev/null || die "cargo $1 is missing: install the $2 that belongs to $(rustc --version)"
  rustup component add "$2"
}

cargo_deny() {
  command -v cargo-deny > /dev/null && return
  local dest=$CACHE/cargo-deny-$CARGO_DENY
  (
    lock cargo-deny
    [ -x "$dest/bin/cargo-deny" ] && exit
    say "compiling cargo-deny $CARGO_DENY once (some minutes) into $dest"
    # it runs for seconds: quick to compile is worth more than quick to run
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
      cargo install --quiet --locked --root "$dest" --version "$CARGO_DENY" cargo-deny
  )
  ln -sfn "$dest/bin/cargo-deny" "$CACHE/cargo-deny"
}

for part in "${@:-build}"; do
  case $part in
    build) need cc gcc; need ld binutils; need pkg-config pkg-config; need curl curl; need git git
           [ -e /usr/include/stdio.h ] || MISSING+=(libc6-dev) ;;
    test) need openssl openssl ;;
    lint) need git git ;;
    services) need javac default-jdk-headless; need mvn maven; need python3 python3; need curl curl; need setsid util-linux ;;
    docker) need dockerd docker.io; need iptables iptables; need docker-compose docker-compose
            need busybox busybox-static; need curl curl; need setsid util-linux ;;
    *) die "unknown part: $part" ;;
  esac
done
system_packages
rust
case " $* " in *" lint "*)
  rust_component fmt rustfmt
  rust_component clippy clippy
  cargo_deny ;;
esac
