#!/bin/bash
# Runs `go` with the machine's own toolchain, without network and without
# anything of the caller's Go settings:
#
#   with_go.sh build -o binary .
#
# Modules come from what WITH_GO_PROXY names, folders that are laid out as a
# proxy is.
set -euo pipefail

find_go() {
  local candidate
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go \
    /usr/lib/go/bin/go /usr/lib/go-*/bin/go; do
    if [[ -n "${candidate}" && -x "${candidate}" ]]; then
      echo "${candidate}"
      return
    fi
  done
  echo "no go toolchain on the PATH, in /usr/local/go or /usr/lib/go" >&2
  return 1
}

# A cache that outlives the action spares compiling the standard library each
# time. It is used only if nobody else can have written to it.
cache="${TMPDIR:-/tmp}/mock_upstream_go_cache.$(id -u)"
mkdir -m 700 "${cache}" 2>/dev/null || true
if [[ ! -O "${cache}" || -L "${cache}" ]]; then
  cache="$(mktemp -d)"
  trap 'rm -rf "${cache}"' EXIT
fi

go="$(find_go)"
export HOME="${cache}" GOPATH="${cache}/path" GOCACHE="${cache}/build"
export GOENV=off GOPROXY="${WITH_GO_PROXY:-off}" GOSUMDB=off GOTOOLCHAIN=local GOWORK=off
export GO111MODULE=on GOFLAGS="-mod=mod -buildvcs=false" CGO_ENABLED=0
unset GOROOT
"${go}" "$@"
