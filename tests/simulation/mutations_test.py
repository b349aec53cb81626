"""Each planted mistake still has its place in the sources: `make mutations`,
which takes long, is no place to find out that it has not."""

import os
import unittest

from tests.simulation import mutations
from tests.simulation.mistake import Mistake
from tests.simulation.planted_mistakes import MISTAKES

# WORKSPACE is a link into the checkout; everything else is beside it.
_ROOT = os.path.dirname(os.path.realpath("WORKSPACE"))


class MistakesTest(unittest.TestCase):

    maxDiff = None

    def test_each_applies(self):
        problems = []
        for mistake in MISTAKES:
            with open(os.path.join(_ROOT, mistake.path),
                      encoding="utf-8") as file:
                source = file.read()
            try:
                self.assertNotEqual(mutations.plant(source, mistake), source)
            except ValueError as problem:
                problems.append(f"{mistake.name}: {problem}")
        self.assertEqual(problems, [])

    def test_each_has_a_name_of_its_own(self):
        names = [mistake.name for mistake in MISTAKES]
        self.assertEqual(len(set(names)), len(names))


class PlantTest(unittest.TestCase):

    def test_the_text_is_replaced(self):
        self.assertEqual(
            mutations.plant("a b c", Mistake("", "x.cc", "b", "d")), "a d c")

    def test_what_is_not_there_once_is_told(self):
        for source in ("a c", "b b"):
            with self.assertRaisesRegex(ValueError, "x.cc [02] times"):
                mutations.plant(source, Mistake("", "x.cc", "b", "d"))


class SaidTest(unittest.TestCase):
    """A mistake counts as found only by what its rule says."""

    class _Copy:
        def __init__(self, lines):
            self._lines = lines
            self.source = "a b c"

        def edit(self, _, change):
            before, self.source = self.source, change(self.source)
            return before

        def build(self):
            assert self.source == "a d c"

        def simulate(self):
            broken = len(self._lines)
            return self._lines + [f"9 scenarios, {broken} of them break a "
                                  "rule; 0f"]

    def find(self, lines, said, alone=False):
        copy = self._Copy(lines)
        found = mutations.find(copy,
                               Mistake("", "x.cc", "b", "d", said, alone))
        self.assertEqual(copy.source, "a b c")
        return found

    def test_by_any_rule(self):
        self.assertEqual(self.find(["seed 1: late"], ""),
                         (True, "seed 1: late"))

    def test_by_its_own_rule(self):
        self.assertEqual(self.find(["seed 1: late", "seed 2: lost"], "lost"),
                         (True, "seed 2: lost"))
        found, how = self.find(["seed 1: late"], "lost")
        self.assertFalse(found)
        self.assertIn("no rule says `lost`", how)

    def test_by_its_own_rule_alone(self):
        lines = ["seed 1: late", "seed 2: too late"]
        self.assertEqual(self.find(lines, "late", alone=True),
                         (True, "seed 1: late"))
        for other in (0, 1, 2):
            with_other = lines[:other] + ["seed 3: lost"] + lines[other:]
            found, how = self.find(with_other, "late", alone=True)
            self.assertFalse(found)
            self.assertIn("no rule says only `late`", how)
            self.assertIn("seed 3: lost", how)

    def test_by_another_trace(self):
        copy = self._Copy([])
        traces = iter("ab")
        copy.simulate = lambda: [
            f"1 scenarios, 0 of them break a rule; {next(traces)}"]
        self.assertEqual(
            mutations.find(copy, Mistake("", "x.cc", "b", "d", "another")),
            (True, "another trace in each process"))

    def test_by_none(self):
        self.assertEqual(self.find([], ""), (False, "NOT FOUND"))


if __name__ == "__main__":
    unittest.main()
