"""h2spec in strict mode against the engines' listeners."""

import collections
import unittest

from tests.interop import h2spec
from tests.interop import interop_case

# Engines whose score is of interest and no more: this one is not ours.
_RECORDED = ("grpc_core",)
_PATH = "/grpc.testing.TestService/EmptyCall"


class _H2specCases(interop_case.ServerCase):

    # How long a case waits for an answer: long, where one must come.
    wait_s = 5

    @classmethod
    def setUpClass(cls):
        tool = interop_case.tool("h2spec")
        super().setUpClass()
        cls.results = h2spec.run(tool, cls.server.port, tls=cls.tls,
                                 path=_PATH, wait_s=cls.wait_s)

    def test_every_case_ran(self):
        self.assertEqual(len(self.results), h2spec.CASES)


class HeldCases(_H2specCases):
    """Every case must pass."""

    def check(self, section):
        bad = ["%s %s\n%s" % (result.name, result.state, result.text)
               for result in self.results
               if result.section == section and result.state != "passed"]
        self.assertEqual(bad, [], "\n".join(bad))


def _add_section(section):
    def test(self):
        self.check(section)
    setattr(HeldCases, "test_" + section.replace("/", "_"), test)


for _section in h2spec.SECTIONS:
    _add_section(_section)


class RecordedCases(_H2specCases):
    """The score is printed."""

    wait_s = 1

    def test_the_score_is_known(self):
        states = collections.Counter(result.state for result in self.results)
        print("\nh2spec --strict, %s: %d of %d passed, %d skipped" % (
            self.engine, states["passed"], len(self.results),
            states["skipped"]))
        self.assertGreater(states["passed"], 0)


for _engine in interop_case.engines():
    if _engine in _RECORDED:
        interop_case.add_case(globals(), RecordedCases, "H2spec", _engine)
    else:
        for _tls in (False, True):
            interop_case.add_case(globals(), HeldCases, "H2spec", _engine,
                                  _tls)


if __name__ == "__main__":
    unittest.main()
