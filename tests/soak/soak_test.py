"""The soak against the real program, in short: every kind of call goes as it
should with every room on, samples are taken, and what grows fails the run."""

import io
import os
import tempfile
import unittest

from tests.integration import grpc_caller
from tests.soak import load
from tests.soak import soak
from tests.testing import gateway_process
from tests.testing import mock_upstream

_SAMPLES = 6
_SECONDS = 36


def _options(out, *more):
    return soak.parse_arguments([
        "--out=" + out, "--gateway=" + gateway_process.BINARY,
        "--upstream=" + mock_upstream.BINARY,
        "--stubs=" + grpc_caller.STUBS, *more])


class ShortSoakTest(unittest.TestCase):

    def test_every_kind_of_call_goes_as_it_should(self):
        shown = io.StringIO()
        with tempfile.TemporaryDirectory(prefix="soak") as folder:
            done, problems = soak.run(_options(
                folder, "--hours=%g" % (_SECONDS / 3600), "--rate=20",
                "--sample_seconds=%g" % (_SECONDS / _SAMPLES),
                "--reload_seconds=%g" % (_SECONDS / 3)), shown)
            with open(os.path.join(folder, "soak.tsv"),
                      encoding="utf-8") as table:
                rows = [line.split("\t") for line in table]
        self.assertEqual(problems, [], shown.getvalue())
        self.assertEqual(set(done.load.counts), set(load.KINDS))
        self.assertEqual(len(rows), 1 + _SAMPLES)
        self.assertEqual(len(done.samples), _SAMPLES)
        last = done.samples[-1]
        for name in ("rss_mib", "heap_mib", "descriptors", "threads", "p99_ms",
                     "calls", "cpu_s", "disk_mib", "reloads"):
            self.assertGreater(last[name], 0, name)
        # Half a minute decides nothing, and does not say it does.
        self.assertEqual(shown.getvalue().count("undecided"), 4)


class ProblemsTest(unittest.TestCase):
    """What a run says of its samples and calls."""

    def problems(self, change, figures=120):
        """Of a run of two hours in which `change` an hour was seen of what it
        names."""
        shown = io.StringIO()
        with tempfile.TemporaryDirectory(prefix="soak") as folder:
            done = soak.Soak(_options(folder, "--hours=2"), None, shown)
            self.addCleanup(done.close)
            steady = {"rss_mib": 100.0, "heap_mib": 50.0, "descriptors": 100,
                      "p99_ms": 40.0}
            for i in range(figures):
                hours = 2 * (i + 1) / figures
                done.samples.append({"hours": hours, **{
                    name: figure + change.get(name, 0) * hours
                    for name, figure in steady.items()}})
            return done.problems(), shown.getvalue()

    def test_what_is_steady_is_no_problem(self):
        problems, shown = self.problems({})
        self.assertEqual(problems, [])
        self.assertEqual(shown.count("steady"), 4)
        self.assertIn("61 samples", shown)

    def test_each_figure_that_grows_is_one(self):
        for change, name in (({"rss_mib": 1.2}, "resident memory"),
                             ({"heap_mib": 0.6}, "allocated memory"),
                             ({"descriptors": 2}, "descriptors"),
                             ({"p99_ms": 4}, "p99")):
            problems, shown = self.problems(change)
            self.assertEqual(len(problems), 1, problems)
            self.assertTrue(problems[0].startswith(name), problems)
            self.assertEqual(shown.count("GROWS"), 1)

    def test_what_the_warm_up_takes_is_none(self):
        with tempfile.TemporaryDirectory(prefix="soak") as folder:
            done = soak.Soak(_options(folder, "--hours=4"), None,
                             io.StringIO())
            self.addCleanup(done.close)
            done.samples = [
                {"hours": i / 30, "rss_mib": min(60 + i, 75),
                 "heap_mib": 40.0, "descriptors": 100, "p99_ms": 40.0}
                for i in range(120)]
            self.assertEqual(done.problems(), [])

    def test_a_call_that_ended_otherwise_is_one(self):
        with tempfile.TemporaryDirectory(prefix="soak") as folder:
            done = soak.Soak(_options(folder), None, io.StringIO())
            self.addCleanup(done.close)
            done.load.failures["session"] = (3, "503, not (200,)")
            self.assertEqual(done.problems(),
                             ["session: 3 times 503, not (200,)"])


if __name__ == "__main__":
    unittest.main()
