"""Counting: every case once, and nothing fails unseen."""

import json
import os
import tempfile
import unittest

from tools.testing import count_tests
from tools.testing.count_tests import Counts


class CountTestsTest(unittest.TestCase):

    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)
        self._files = 0

    def result(self, label, cases, status="PASSED", attempt=1, shard=1):
        """The event of a test whose report has these <testcase> elements."""
        self._files += 1
        path = os.path.join(self._directory.name, "%d.xml" % self._files)
        with open(path, "w", encoding="utf-8") as report:
            report.write("<testsuites><testsuite>%s</testsuite></testsuites>"
                         % cases)
        return {
            "id": {"testResult": {"label": label, "run": 1, "shard": shard,
                                  "attempt": attempt}},
            "testResult": {"status": status, "testActionOutput": [
                {"name": "test.log", "uri": "file:///nowhere"},
                {"name": "test.xml", "uri": "file://" + path}]},
        }

    def test_counts_cases_not_targets(self):
        counts, failures = count_tests.count([
            self.result("//a", '<testcase name="x"/><testcase name="y"/>'),
            self.result("//b", '<testcase name="z"/>')])
        self.assertEqual(counts, Counts(3, 0, 0))
        self.assertEqual(failures, [])

    def test_a_failed_case_is_named(self):
        counts, failures = count_tests.count([self.result(
            "//a", '<testcase classname="Suite" name="x"><failure/></testcase>'
            '<testcase name="y"/>', status="FAILED")])
        self.assertEqual(counts, Counts(1, 1, 0))
        self.assertEqual(failures, ["//a: Suite.x"])

    def test_a_crash_without_a_failed_case_counts_as_one_failure(self):
        counts, failures = count_tests.count([
            self.result("//a", '<testcase name="x"/>', status="TIMEOUT")])
        self.assertEqual(counts, Counts(1, 1, 0))
        self.assertEqual(failures, ["//a: TIMEOUT"])

    def test_an_unreadable_report_is_a_failure(self):
        event = self.result("//a", "<testcase>")
        counts, _ = count_tests.count([event])
        self.assertEqual(counts.failed, 1)

    def test_skipped_cases_are_told_apart(self):
        counts, _ = count_tests.count([self.result(
            "//a", '<testcase name="x"><skipped message="no JDK"/></testcase>'
            '<testcase name="y" status="notrun" result="suppressed"/>'
            '<testcase name="z" status="run" result="completed"/>')])
        self.assertEqual(counts, Counts(1, 0, 2))

    def test_only_the_last_attempt_of_a_flaky_test_counts(self):
        failing = '<testcase name="x"><failure/></testcase>'
        counts, failures = count_tests.count([
            self.result("//a", failing, status="FAILED", attempt=1),
            self.result("//a", '<testcase name="x"/>', attempt=2)])
        self.assertEqual(counts, Counts(1, 0, 0))
        self.assertEqual(failures, [])

    def test_each_shard_counts(self):
        counts, _ = count_tests.count([
            self.result("//a", '<testcase name="x"/>', shard=1),
            self.result("//a", '<testcase name="y"/>', shard=2)])
        self.assertEqual(counts.passed, 2)

    def test_a_target_that_does_not_build_is_a_failure(self):
        counts, failures = count_tests.count([
            {"id": {"targetCompleted": {"label": "//a"}},
             "completed": {"success": False}},
            {"id": {"targetCompleted": {"label": "//b"}},
             "aborted": {"reason": "ANALYSIS_FAILURE"}},
            self.result("//c", '<testcase name="x"/>')])
        self.assertEqual(counts, Counts(1, 2, 0))
        self.assertEqual(failures,
                         ["//a: did not build", "//b: did not build"])

    def test_a_failed_test_target_is_not_counted_twice(self):
        counts, _ = count_tests.count([
            self.result("//a", '<testcase name="x"><error/></testcase>',
                        status="FAILED"),
            {"id": {"targetCompleted": {"label": "//a"}},
             "completed": {"success": False}}])
        self.assertEqual(counts.failed, 1)

    def test_a_line_cut_short_is_left_out(self):
        events = list(count_tests.read_events(
            [json.dumps({"id": {}}), '{"id": {"te']))
        self.assertEqual(events, [{"id": {}}])

    def test_the_summary_mentions_skips_only_when_there_are_some(self):
        self.assertEqual(count_tests.summary(Counts(2, 0, 0)),
                         "2 passed, 0 failed")
        self.assertEqual(count_tests.summary(Counts(2, 1, 3)),
                         "2 passed, 1 failed, 3 skipped")


if __name__ == "__main__":
    unittest.main()
