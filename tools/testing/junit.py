"""Runs unittest files and reports every case as JUnit XML.

    python3 -m tools.testing.junit tests/tidy/tidy_test.py

Writes the report to $XML_OUTPUT_FILE, where Bazel and count_tests.py look for
it. Other runners (of Go, Node, Java) can report through `Report`.
"""

import importlib
import os
import sys
import time
import unittest
from xml.etree import ElementTree


class Report:
    """A test suite's cases, on their way to a JUnit file."""

    def __init__(self, suite):
        self._root = ElementTree.Element("testsuite", name=suite)
        self._counts = {"tests": 0, "failures": 0, "skipped": 0}

    def add(self, name, seconds=0.0, failure=None, skipped=None):
        """Adds a case: passed, unless `failure` or `skipped` has a text."""
        self._counts["tests"] += 1
        case = ElementTree.SubElement(
            self._root, "testcase", name=name, time="%.3f" % seconds)
        if failure is not None:
            self._counts["failures"] += 1
            lines = failure.strip().splitlines() or ["failed"]
            element = ElementTree.SubElement(
                case, "failure", message=_printable(lines[-1]))
            element.text = _printable(failure)
        elif skipped is not None:
            self._counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped",
                                   message=_printable(skipped))

    def write(self, path):
        """Writes the file; without a path (no Bazel) does nothing."""
        if not path:
            return
        for key, value in self._counts.items():
            self._root.set(key, str(value))
        ElementTree.ElementTree(self._root).write(
            path, encoding="utf-8", xml_declaration=True)


def _printable(text):
    """Drops what XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or ord(c) >= 0x20)


class _Result(unittest.TextTestResult):
    """Tells the report of each case as it ends."""

    report = None

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()
        self._failures = []
        self._skipped = None

    def addError(self, test, err):
        super().addError(test, err)
        self._failed(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failures.append(self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if isinstance(test, unittest.TestCase):
            self._skipped = reason
        else:  # As for a failure: a whole class, none of which starts.
            self.report.add(str(test), skipped=reason)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._failures.append("unexpected success")

    def stopTest(self, test):
        super().stopTest(test)
        self.report.add(
            test.id(), time.monotonic() - self._started,
            failure="\n".join(self._failures) or None, skipped=self._skipped)

    def _failed(self, test, err):
        text = self._exc_info_to_string(err, test)
        if isinstance(test, unittest.TestCase):
            self._failures.append(text)
        else:  # A fixture of a class or module, which never starts as a test.
            self.report.add(str(test), failure=text)


def main(paths):
    """Runs the files; returns the exit code."""
    loader = unittest.TestLoader()
    suite = unittest.TestSuite()
    for path in paths:
        module = os.path.splitext(path)[0].replace(os.sep, ".")
        suite.addTests(
            loader.loadTestsFromModule(importlib.import_module(module)))
    if suite.countTestCases() == 0:
        print("no test cases in %s" % ", ".join(paths), file=sys.stderr)
        return 1
    _Result.report = Report(os.environ.get("TEST_TARGET", paths[0]))
    result = unittest.TextTestRunner(
        verbosity=2, resultclass=_Result).run(suite)
    _Result.report.write(os.environ.get("XML_OUTPUT_FILE"))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
