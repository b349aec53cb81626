# For tests in shell: names the cases and reports them as JUnit XML.
#
#   source tools/testing/junit.sh
#   answers_the_health_check() { curl -fsS "${url}/livez"; }
#   junit_case answers_the_health_check
#   junit_skip call_from_java "no JDK"
#   junit_finish    # Writes $XML_OUTPUT_FILE; fails if a case failed.
#
# A case is a function or command and fails by its exit code; it runs in a
# subshell under `set -e`, so that every line of it counts.

_junit_cases=""
_junit_passed=0
_junit_failed=0
_junit_skipped=0

_junit_escape() {
  tr -d '\000-\010\013\014\016-\037' |
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g'
}

junit_case() {
  local name="$1" output status began=${EPOCHREALTIME/./} micros
  # Not in a condition: there bash would ignore `set -e` inside.
  local restore="+e"
  [[ $- == *e* ]] && restore="-e"
  set +e
  output="$( (set -e; "$@") 2>&1)"
  status=$?
  set "${restore}"
  micros=$((${EPOCHREALTIME/./} - began))
  local body=""
  if ((status == 0)); then
    _junit_passed=$((_junit_passed + 1))
    echo "ok ${name}"
  else
    _junit_failed=$((_junit_failed + 1))
    echo "FAILED ${name} (exit code ${status})"
    echo "${output}"
    body="<failure message=\"exit code ${status}\">$(
      _junit_escape <<<"${output}")</failure>"
  fi
  _junit_cases+="<testcase name=\"$(_junit_escape <<<"${name}")\""
  _junit_cases+=" time=\"$(printf '%d.%06d' $((micros / 1000000)) \
    $((micros % 1000000)))\">${body}</testcase>"
}

junit_skip() {
  _junit_skipped=$((_junit_skipped + 1))
  echo "skipped $1: $2"
  _junit_cases+="<testcase name=\"$(_junit_escape <<<"$1")\"><skipped"
  _junit_cases+=" message=\"$(_junit_escape <<<"$2")\"/></testcase>"
}

junit_finish() {
  local total=$((_junit_passed + _junit_failed + _junit_skipped))
  if [[ -n "${XML_OUTPUT_FILE:-}" ]]; then
    printf '<?xml version="1.0"?>\n<testsuite name="%s" tests="%d" failures="%d" skipped="%d">%s</testsuite>\n' \
      "$(_junit_escape <<<"${TEST_TARGET:-$0}")" "${total}" \
      "${_junit_failed}" "${_junit_skipped}" "${_junit_cases}" \
      >"${XML_OUTPUT_FILE}"
  fi
  echo "${_junit_passed} passed, ${_junit_failed} failed," \
    "${_junit_skipped} skipped"
  ((_junit_failed == 0 && total > 0))
}
