"""Runs the Go tests of a folder, by default this one; each is a case.

    python3 tests/testing/mock_upstream/go_test.py [FOLDER]

Go's own test runner does not write JUnit XML; this reads its event stream.
"""

import collections
import json
import os
import subprocess
import sys

from tools.testing import junit

_HERE = os.path.dirname(os.path.realpath(__file__))
_GO = os.path.join(_HERE, "with_go.sh")


def main(argv):
    folder = os.path.realpath(argv[1]) if len(argv) > 1 else _HERE
    process = subprocess.Popen(
        [_GO, "test", "-json", "-count=1", "./..."],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    report = junit.Report(os.environ.get("TEST_TARGET", "mock_upstream"))
    output = collections.defaultdict(list)
    cases = 0
    for line in process.stdout:
        try:
            event = json.loads(line)
        except ValueError:  # The compiler's complaints are plain text.
            print(line, end="")
            continue
        test = event.get("Test")
        action = event.get("Action")
        if action == "output":
            output[test].append(event["Output"])
            print(event["Output"], end="")
        elif test and action in ("pass", "fail", "skip"):
            text = "".join(output.pop(test, []))
            cases += 1
            report.add(test, event.get("Elapsed", 0.0),
                       failure=text if action == "fail" else None,
                       skipped=text if action == "skip" else None)
    status = process.wait()
    if cases == 0:
        report.add("go test", failure="no test ran")
        status = status or 1
    elif status != 0:
        report.add("go test ./...", failure="exit code %d" % status)
    report.write(os.environ.get("XML_OUTPUT_FILE"))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
