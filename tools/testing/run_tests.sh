#!/bin/bash
# Runs `bazel test` and counts its cases.
#
#   tools/testing/run_tests.sh [FLAG | TARGET]...    every test by default
#
# The count is the last line printed, or the content of $TEST_SUMMARY_FILE for
# a caller who has more to say before it. Fails when Bazel or a case does.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

events="$(mktemp)"
trap 'rm -f "${events}"' EXIT

targets=("$@")
has_target=false
for argument in "$@"; do [[ "${argument}" == -* ]] || has_target=true; done
"${has_target}" || targets+=(//...)

bazel test --keep_going --build_event_json_file="${events}" "${targets[@]}"
bazel_status=$?

report="$(python3 tools/testing/count_tests.py "${events}")"
count_status=$?
if [[ -n "${TEST_SUMMARY_FILE:-}" ]]; then
  head -n -1 <<<"${report}"
  tail -n 1 <<<"${report}" >"${TEST_SUMMARY_FILE}"
else
  echo "${report}"
fi
((bazel_status == 0 && count_status == 0))
