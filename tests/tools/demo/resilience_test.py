"""The demonstration against the real program, in short: no error that a policy
could have prevented, and a timeline that shows what happened."""

import argparse
import io
import unittest

from tests.testing import gateway_process
from tools.demo import load
from tools.demo import resilience


class DemonstrationTest(unittest.TestCase):

    def test_callers_see_no_error_while_providers_fail(self):
        out = io.StringIO()
        timeline = resilience.demonstrate(argparse.Namespace(
            gateway=gateway_process.BINARY, rate=30, scene_seconds=1.2), out)
        shown = out.getvalue()
        self.assertEqual(timeline.failed, 0, shown)
        self.assertGreater(timeline.calls, 200, shown)
        for what in ("a is killed", "a OK", "b OK", "c OK",
                     "a PROVIDER_UNAVAILABLE"):
            self.assertIn(what, shown)


class TimelineTest(unittest.TestCase):

    def test_counts_what_could_have_been_prevented(self):
        out = io.StringIO()
        timeline = resilience.Timeline("", lambda one: not one.begun, out)
        timeline.add([
            load.Seen(0, 0.1, 200, "", False, False),
            load.Seen(0, 0.3, 200, "", True, True),
            load.Seen(0, 0.2, 200, "broke off", True, True),
            load.Seen(0, 0.2, 503, "all rest", False, False),
        ])
        timeline.add([])
        self.assertEqual(timeline.calls, 4)
        self.assertEqual(timeline.failed, 1)
        self.assertEqual(timeline.errors, {"broke off": 1, "all rest": 1})
        self.assertRegex(out.getvalue(),
                         r"(?m)^ +0 +4 +2 +2 +300 ms +300 ms")


if __name__ == "__main__":
    unittest.main()
