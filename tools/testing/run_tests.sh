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

# The vendors' OpenAPI files are not ours to copy: tests/openapi is told where
# they are, if anywhere.
specs="${LLM_GATEWAY_WIRE_SPECS:-${PWD}/../shared/reference/wire}"
flags=()
if [[ -d "${specs}" ]]; then
  specs="$(cd "${specs}" && pwd)"
  flags+=("--test_env=LLM_GATEWAY_WIRE_SPECS=${specs}")
fi

bazel test --keep_going --build_event_json_file="${events}" "${flags[@]}" \
  "${targets[@]}"
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
