"""The checker of the list of features finds what the list lacks."""

import re
import unittest

from tests.tidy import feature_list
from tests.tidy.tree import Tree

_PYTHON = "tests/integration/routing_test.py"
_CPP = "tests/service/money/cost_test.cc"
_FILES = {
    _PYTHON: "class T:\n    def test_a(self):\n        pass\n",
    _CPP: "TEST(CostTest, OfGpt4o) {}\nTEST_F(LongSuite,\n       ACase) {}\n",
    "tests/clients/python/routing_test.py": "def test_b(self): pass\n",
    "tests/clients/python/x/only_test.py": "async def test_c(self): pass\n",
    "tests/a/twice_test.py": "", "tests/b/twice_test.py": "",
}
_HEAD = "| row | from | test |\n| --- | --- | --- |\n"


def problems(lines, heading="Calls"):
    """Those of the lines themselves, without what else the page lacks."""
    page = "## %s\n\n%s%s\n" % (heading, _HEAD, lines)
    told = feature_list.feature_list(
        Tree({feature_list.PAGE: page, **_FILES}))
    return [problem for problem in told if ": line `" in problem]


class FeatureListTest(unittest.TestCase):

    def refused(self, line, why):
        told = problems(line)
        self.assertEqual(len(told), 1, told)
        self.assertIn(why, told[0])

    def test_tests_that_are_there_are_found(self):
        for test in ("`routing_test.py` `test_a`",
                     "`cost_test.cc` `CostTest.OfGpt4o`, `LongSuite.ACase`",
                     "`money/cost_test.cc` `CostTest.OfGpt4o`",
                     "`clients/python/routing_test.py` `test_b`; "
                     "`only_test.py` `test_c`"):
            self.assertEqual(problems("| 15 | O | %s |" % test), [], test)

    def test_tests_that_are_not_there_are_told(self):
        self.refused("| 15 | O | `routing_test.py` `test_z` |",
                     _PYTHON + " has no `test_z`")
        self.refused("| 15 | O | `routing_test.py` `test_b` |", "has no")
        self.refused("| 15 | O | `cost_test.cc` `CostTest.OfGpt` |", "has no")
        self.refused("| 15 | O | `gone_test.py` |", "no test, or several")
        self.refused("| 15 | O | `twice_test.py` |", "no test, or several")
        self.refused("| 15 | O | `test_a` |", "in which file")
        self.refused("| 15 | O | `make kube-test` |", "neither a test nor")

    def test_a_line_without_a_test_is_told(self):
        self.refused("| 15 | O | |", "names no test")
        self.refused("| 15 | O | `routing_test.py` |", "names no test")
        self.refused("| 15 | `routing_test.py` `test_a` |", "names no test")

    def test_what_is_missing_may_not_be_listed_as_missing(self):
        self.refused("| 15 | O | not served; `routing_test.py` `test_a` |",
                     "something is missing")

    def test_a_row_is_of_the_systems_that_had_it(self):
        self.refused("| 15 | O, C | `routing_test.py` `test_a` |",
                     "the row is of O alone")
        self.refused("| 71 | O | `routing_test.py` `test_a` |",
                     "no such row")

    def test_each_row_of_each_system_is_wanted(self):
        page = _HEAD + "| 5, 15 | O | `routing_test.py` `test_a` |\n"
        told = feature_list.feature_list(
            Tree({feature_list.PAGE: page, **_FILES}))
        rows = {int(re.search(r"row (\d+) lacks", problem)[1]): problem
                for problem in told if " lacks " in problem}
        self.assertEqual(set(rows), set(range(1, 71)) - {15})
        self.assertTrue(rows[5].endswith("for C, L, A"), rows[5])
        self.assertTrue(rows[1].endswith("for P, O, C, L, A"), rows[1])

    def test_decisions_details_and_vectors_are_wanted(self):
        told = "\n".join(feature_list.feature_list(
            Tree({feature_list.PAGE: "## Decisions\n", **_FILES})))
        for words in ('"Decisions" has not the lines 1 to 19',
                      '"Details that the documents state" has fewer than 11',
                      '"Vectors" has fewer than 19'):
            self.assertIn(words, told)

    def test_there_are_148_things_that_the_five_systems_did(self):
        self.assertEqual(
            sum(len(letters) for letters in feature_list._SYSTEMS.values()),
            148)


if __name__ == "__main__":
    unittest.main()
