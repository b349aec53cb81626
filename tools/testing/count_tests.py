"""Counts real test cases from what `bazel test` did.

    count_tests.py EVENTS

EVENTS is the file of --build_event_json_file. Every target that ran (or whose
result was cached) names its test.xml there; the cases in those files are
counted, not the targets. A target that did not build, crashed or ran out of
time counts as a failed case, so that nothing can fail unseen.

Prints what failed and ends with the line `N passed, N failed`, with
`, N skipped` when some were. Exits with 1 on any failure, or when not one
case ran.
"""

import collections
import json
import sys
import urllib.parse
from xml.etree import ElementTree

Counts = collections.namedtuple("Counts", ["passed", "failed", "skipped"])


def read_events(lines):
    """The events of a build; a line cut short by a crash is left out."""
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            pass


def last_attempts(events):
    """{(label, run, shard): (status, path of test.xml or None)}.

    Of a flaky test the last attempt counts, as it does for Bazel.
    """
    attempts = {}
    for event in events:
        test = event.get("id", {}).get("testResult")
        if not test or "testResult" not in event:
            continue
        key = (test["label"], test.get("run", 1), test.get("shard", 1))
        attempt = test.get("attempt", 1)
        if key in attempts and attempts[key][0] > attempt:
            continue
        result = event["testResult"]
        attempts[key] = (attempt, result.get("status", "NO_STATUS"),
                         _xml_of(result))
    return {key: value[1:] for key, value in attempts.items()}


def _xml_of(result):
    for output in result.get("testActionOutput", []):
        uri = urllib.parse.urlparse(output.get("uri", ""))
        if output.get("name") == "test.xml" and uri.scheme == "file":
            return urllib.parse.unquote(uri.path)
    return None


def broken_targets(events):
    """Labels of targets that could not be built or analysed."""
    broken = set()
    for event in events:
        identity = event.get("id", {})
        for kind in ("targetCompleted", "configuredLabel",
                     "unconfiguredLabel"):
            if kind not in identity:
                continue
            completed = event.get("completed")
            if "aborted" in event or (
                    completed is not None and not completed.get("success")):
                broken.add(identity[kind]["label"])
    return broken


def case_states(path):
    """[(name, "passed" | "failed" | "skipped")] of one test.xml."""
    states = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = ".".join(filter(None, [case.get("classname"),
                                      case.get("name")]))
        tags = {child.tag for child in case}
        if tags & {"failure", "error"}:
            state = "failed"
        elif "skipped" in tags or case.get("status") == "notrun" or (
                case.get("result") in ("skipped", "suppressed")):
            state = "skipped"
        else:
            state = "passed"
        states.append((name, state))
    return states


def count(events):
    """Returns Counts and a list of what failed."""
    events = list(events)
    tally = collections.Counter()
    failures = []
    attempts = last_attempts(events)
    for (label, _, _), (status, path) in sorted(attempts.items()):
        try:
            states = case_states(path) if path else []
        except (OSError, ElementTree.ParseError) as error:
            states = []
            failures.append("%s: unreadable report: %s" % (label, error))
            tally["failed"] += 1
        tally.update(state for _, state in states)
        failed = [name for name, state in states if state == "failed"]
        failures.extend("%s: %s" % (label, name) for name in failed)
        if status not in ("PASSED", "FLAKY") and not failed:
            failures.append("%s: %s" % (label, status))
            tally["failed"] += 1
        elif not states and status in ("PASSED", "FLAKY"):
            tally["passed"] += 1
    ran = {label for label, _, _ in attempts}
    for label in sorted(broken_targets(events) - ran):
        failures.append("%s: did not build" % label)
        tally["failed"] += 1
    return Counts(tally["passed"], tally["failed"],
                  tally["skipped"]), failures


def summary(counts):
    """The line that continuous integration reads."""
    line = "%d passed, %d failed" % (counts.passed, counts.failed)
    if counts.skipped:
        line += ", %d skipped" % counts.skipped
    return line


def main(argv):
    try:
        with open(argv[1], encoding="utf-8") as lines:
            counts, failures = count(read_events(lines))
    except OSError as error:
        print("no record of the build: %s" % error, file=sys.stderr)
        counts, failures = Counts(0, 1, 0), []
    for failure in failures:
        print("FAILED %s" % failure)
    print(summary(counts))
    return 0 if counts.failed == 0 and counts.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
