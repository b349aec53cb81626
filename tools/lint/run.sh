#!/bin/bash
# Every check beyond the tests; runs all of them, then fails if one did.
#
#   tools/lint/run.sh [STEP]...
#
# The steps: tidy arrows tags proto breaking separate clang-tidy. `baseline`, at
# a release, is none: it renews what `breaking` compares with.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
PATH="$(tools/deps.sh --bin):${PATH}"
read -r -a flags <<<"${BUILDFLAGS:-}"

# The rules of tests/tidy.
tidy() { bazel test "${flags[@]}" //tests/tidy:all; }

# The DAG, as Bazel enforces it.
arrows() { python3 tools/lint/check_arrows.py; }

# What has gRPC C++ in it, which ThreadSanitizer does not understand, says so.
tags() {
  local untagged
  untagged="$(bazel query --noshow_progress '
    let t = kind(".*_test rule", rdeps(//tests/..., //third_party:grpcpp)) in
    $t except attr(tags, "notsan|nosanitizer", $t)')" || return
  if [[ -n "${untagged}" ]]; then
    echo "these depend on gRPC C++ and need the tag notsan:" "${untagged}"
    return 1
  fi
}

# The contract's style.
proto() { buf lint; }

# The contract against the last release; tests/proto does the same.
breaking() { buf breaking --against proto/baseline.binpb.gz; }

# Not a check: what the contract is now becomes what callers may rely on.
baseline() { buf build --output proto/baseline.binpb.gz; }

# Each source compiles by itself, whatever stands before it in its unit.
separate() {
  bazel build "${flags[@]}" --config=separate --compilation_mode=fastbuild //...
}

clang_tidy() { bazel build "${flags[@]}" --config=clang-tidy //...; }

steps=("$@")
((${#steps[@]})) || steps=(tidy arrows tags proto breaking separate clang-tidy)

failed=()
for step in "${steps[@]}"; do
  echo "== ${step}"
  "${step//-/_}" || failed+=("${step}")
done

if ((${#failed[@]})); then
  echo "lint failed: ${failed[*]}"
  exit 1
fi
echo "lint passed: ${steps[*]}"
