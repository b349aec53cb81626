"""What is read of a page of metrics."""

import unittest

from tools.demo import metrics

_BEFORE = """\
# HELP asked How often.
# TYPE asked counter
asked{provider="a",outcome="OK"} 3
asked{provider="b",outcome="a \\"quoted, one\\""} 1
plain 7
"""
_AFTER = _BEFORE.replace("} 3", "} 5") + 'asked{provider="c",outcome="OK"} 2\n'


class MetricsTest(unittest.TestCase):

    def test_tells_what_has_grown(self):
        grown = metrics.grown(metrics.parse(_BEFORE), metrics.parse(_AFTER),
                              "asked", "provider", "outcome")
        self.assertEqual(grown, {("a", "OK"): 2, ("c", "OK"): 2})
        self.assertEqual(metrics.grown({}, metrics.parse(_AFTER), "asked"),
                         {(): 8})

    def test_tells_what_is(self):
        samples = metrics.parse(_BEFORE)
        self.assertEqual(metrics.current(samples, "plain"), {(): 7})
        self.assertEqual(
            metrics.current(samples, "asked", "provider")[("b",)], 1)


if __name__ == "__main__":
    unittest.main()
