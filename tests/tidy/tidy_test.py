"""Holds the whole project to the rules of this folder, one case a rule."""

import os
import unittest

from tests.tidy import build_rules
from tests.tidy import fault_metadata
from tests.tidy import feature_list
from tests.tidy import old_words
from tests.tidy import text_rules
from tests.tidy.tree import Tree


class TidyTest(unittest.TestCase):

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # WORKSPACE is a link into the checkout; everything else is beside it.
        cls.tree = Tree.read(os.path.dirname(os.path.realpath("WORKSPACE")))
        cls.project = build_rules.Project(cls.tree)

    def check(self, problems):
        if problems:
            self.fail("\n".join(sorted(set(problems))))


def _add_case(rule, subject):
    def case(self):
        self.check(rule(getattr(self, subject)))
    setattr(TidyTest, "test_" + rule.__name__, case)


for _rule in build_rules.RULES:
    _add_case(_rule, "project")
for _rule in (text_rules.RULES + old_words.RULES + fault_metadata.RULES
              + feature_list.RULES):
    _add_case(_rule, "tree")


if __name__ == "__main__":
    unittest.main()
