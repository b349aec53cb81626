#!/bin/bash
# Shows where the gateway spends a row's time, or its instructions.
#
#   tests/bench/profile.sh http_64               perf: samples, by symbol
#   tests/bench/profile.sh http_64 --callgrind   instructions, repeatable
#
# Rows are those of rows.py. Builds with --config=profile first; without perf
# on the PATH it takes callgrind.
set -euo pipefail
cd "$(dirname "$0")/../.."

bazel build --config=profile ${BUILDFLAGS:-} //service:gateway \
  //tests/bench/allocations //tests/bench/load //tests/testing/mock_upstream
PYTHONDONTWRITEBYTECODE=1 exec python3 -m tests.bench.profile "$@"
